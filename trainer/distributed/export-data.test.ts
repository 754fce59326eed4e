/** What an export holds, read by DuckDB, which knows nothing of who wrote it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { eitherDatabase } from "../../db/testing.ts";
import { temporaryFolder } from "../testing.ts";
import { exportData } from "./export-data.ts";
import { readManifest } from "./manifest.ts";
import { exportContext, exportOptions, fillCommunityToExport, quickConfig } from "./testing.ts";

const database = await eitherDatabase({ after }, "export");
const { pool } = database;
await fillCommunityToExport({ after }, database);
// the busiest of all wants no personalisation
const { rows: busiest } = await pool.query(
  "select user_id from recsys.source_interactions group by 1 order by count(*) desc limit 1",
);
const nobody: string = busiest[0].user_id;
await pool.query("insert into public.preferences (user_id, kind, value) values ($1, 'feed', 'impersonal')", [nobody]);
const whole = await temporaryFolder({ after });
await exportData(exportContext(database), exportOptions(whole));
const manifest = await readManifest(whole);

const duck = await (await DuckDBInstance.create()).connect();
async function ask(sql: string): Promise<Record<string, unknown>[]> {
  return (await duck.runAndReadAll(sql)).getRowObjectsJson();
}
const numberOf = async (what: string, from: string) => Number((await ask(`select ${what} as n from ${from}`))[0].n);
/** As both databases print it. */
const instant = (column: string) => `strftime(${column}, '%Y-%m-%d %H:%M:%S.%g') as ${column}`;
const instantInPostgres = (column: string) =>
  `to_char(date_trunc('milliseconds', ${column}) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') as ${column}`;

test("posts and interactions are those of the database, but for who wants no personalisation and what has not settled", async () => {
  const posts = ["post_id", "external_id", "author_id", "title", "description", "tags", "language"].join();
  const { rows } = await pool.query(
    `select ${posts}, ${instantInPostgres("created_at")} from recsys.source_posts order by post_id`,
  );
  assert.ok(rows.length === 500 && rows.some(({ tags }) => tags.length > 0));
  assert.deepEqual(
    await ask(`select ${posts}, ${instant("created_at")} from '${whole}/posts.parquet' order by post_id`),
    rows,
  );
  const acts = "interaction_id, user_id, post_id, kind, value";
  const found = await pool.query(
    `select ${acts}, ${instantInPostgres("created_at")} from recsys.source_interactions where user_id <> $1 and created_at < $2
      order by interaction_id`,
    [nobody, manifest.to],
  );
  const exported = await ask(
    `select ${acts}, ${instant("created_at")} from '${whole}/interactions.parquet' order by interaction_id`,
  );
  assert.ok(exported.length > 1000);
  assert.deepEqual(
    exported.map((row) => ({ ...row, interaction_id: Number(row.interaction_id) })),
    found.rows,
  );
});

test("of who wants no personalisation there is neither profile nor deed", async () => {
  const profile = await ask(`select len(passions) + len(projects) + len(bio) as n from '${whole}/users.parquet'
    where user_id = '${nobody}'`);
  assert.deepEqual(
    profile.map(({ n }) => Number(n)),
    [0],
  );
  assert.equal(await numberOf("count(*)", `'${whole}/users.parquet'`), 150);
  assert.equal(await numberOf("count(*)", `'${whole}/impressions/*/*.parquet' where user_id = '${nobody}'`), 0);
  const examples =
    await ask(`select len(tokens) as tokens, (select count(*) from '${whole}/towers/pairs.parquet' where "user" = number) as pairs
    from '${whole}/towers/users.parquet' where user_id = '${nobody}'`);
  assert.deepEqual(
    examples.map(({ tokens, pairs }) => [Number(tokens), Number(pairs)]),
    [[0, 0]],
  );
});

test("impressions are in the folder of their day", async () => {
  const [{ wrong, days, n }] =
    await ask(`select count(*) filter (where strftime(shown_at, '%Y-%m-%d') <> "day"::text) as wrong,
    count(distinct "day") as days, count(*) as n from read_parquet('${whole}/impressions/*/*.parquet', hive_partitioning = true)`);
  assert.deepEqual([Number(wrong), Number(days) > 1], [0, true]);
  const { rows } = await pool.query(
    "select count(*)::int as n from recsys.impressions where user_id <> $1 and shown_at < $2",
    [nobody, manifest.to],
  );
  assert.equal(Number(n), rows[0].n);
});

test("a pair's history is what its user had interacted with or written by then", async () => {
  const pairs = `(select p.*, u.user_id, a.post_id as own from '${whole}/towers/pairs.parquet' p
    join '${whole}/towers/users.parquet' u on u.number = p."user" join '${whole}/towers/posts.parquet' a on a.number = p.post)`;
  const past = `(select user_id, own, "at", h.post_id from (select *, unnest(history) as past from ${pairs}) x
    join '${whole}/towers/posts.parquet' h on h.number = x.past)`;
  const [{ all_of_them, of_others, themselves }] =
    await ask(`select count(*) as all_of_them, count(*) filter (where not exists (
      select 1 from '${whole}/interactions.parquet' i where i.user_id = past.user_id and i.post_id = past.post_id
        and epoch_ms(i.created_at) < past."at")
      and not exists (select 1 from '${whole}/posts.parquet' w where w.post_id = past.post_id and w.author_id = past.user_id
        and epoch_ms(w.created_at) < past."at")) as of_others,
    count(*) filter (where own = post_id) as themselves from ${past} past`);
  assert.ok(Number(all_of_them) > 3000, `${all_of_them}`);
  assert.deepEqual([Number(of_others), Number(themselves)], [0, 0]);
  const late = await numberOf(
    "count(*)",
    `'${whole}/towers/pairs.parquet' where "at" >= epoch_ms('${manifest.to}'::timestamp)`,
  );
  assert.equal(late, 0);
});

test("log q is the share of the positives mixed with that of the uniform negatives", async () => {
  const { options } = JSON.parse(await readFile(join(whole, "towers", "stage.json"), "utf8"));
  const [b, m] = [options.batch, options.uniform_negatives];
  const far = await numberOf(
    `max(abs(log_q - ln((${b} * n / pairs + ${m} / trainables) / ${b + m})))`,
    `(
    select log_q, (select count(*) from '${whole}/towers/pairs.parquet' where post = number)::double as n,
      (select count(*) from '${whole}/towers/pairs.parquet')::double as pairs,
      (select sum(trainable) from '${whole}/towers/posts.parquet')::double as trainables from '${whole}/towers/posts.parquet')`,
  );
  assert.ok(far < 1e-5, `${far}`);
});

test("the manifest says of each file how much it holds, and its checksum", async () => {
  const files = (await readdir(whole, { recursive: true })).filter((name) =>
    /\.(parquet|safetensors|json)$/.test(name),
  );
  assert.deepEqual([...Object.keys(manifest.files), "manifest.json"].sort(), files.sort());
  for (const [path, { rows, row_groups, bytes, sha256 }] of Object.entries(manifest.files)) {
    const content = await readFile(join(whole, path));
    assert.deepEqual([content.length, createHash("sha256").update(content).digest("hex")], [bytes, sha256], path);
    if (rows === undefined) continue;
    const [found] = await ask(
      `select num_rows as r, num_row_groups as g from parquet_file_metadata('${join(whole, path)}')`,
    );
    assert.deepEqual([Number(found.r), Number(found.g)], [rows, row_groups], path);
  }
  const { counts, vocabulary } = manifest;
  assert.deepEqual([counts.users, counts.posts], [vocabulary.users, vocabulary.posts]);
  assert.equal(counts.impressions, await numberOf("count(*)", `'${whole}/impressions/*/*.parquet'`));
  assert.ok((manifest.files["towers/pairs.parquet"].row_groups ?? 0) > 1, "workers have something to share");
});

test("three shards together are one export", async () => {
  const shards = await temporaryFolder({ after });
  for (const number of [3, 1, 2])
    await exportData(
      exportContext(database),
      exportOptions(shards, { shard: { number, of: 3 }, to: new Date(manifest.to) }),
    );
  const tables = Object.keys(manifest.counts);
  assert.deepEqual(tables.sort(), [
    "impressions",
    "interactions",
    "posts",
    "towers/pairs",
    "towers/posts",
    "towers/users",
    "users",
  ]);
  for (const table of tables) {
    const of = (folder: string) =>
      table === "impressions"
        ? `(select * from read_parquet('${folder}/impressions/*/*.parquet', hive_partitioning = false))`
        : `(select * from read_parquet('${folder}/${table}*.parquet'))`;
    for (const [a, b] of [
      [whole, shards],
      [shards, whole],
    ])
      assert.equal(await numberOf("count(*)", `(select * from ${of(a)} except all select * from ${of(b)})`), 0, table);
  }
  const [first, second, third] = await Promise.all(
    [1, 2, 3].map(async (n) => JSON.parse(await readFile(join(shards, `manifest.${n}-of-3.json`), "utf8"))),
  );
  for (const table of tables)
    assert.equal(first.counts[table] + second.counts[table] + third.counts[table], manifest.counts[table], table);
  for (const shard of [first, second, third]) {
    assert.ok(shard.counts.interactions < 0.6 * manifest.counts.interactions, "each has its part");
    assert.equal(shard.posts_digest, manifest.posts_digest);
  }
});

test("--from and --to bound what happened, and nothing later is learned from", async () => {
  const folder = await temporaryFolder({ after });
  const [from, to] = [
    new Date(Date.parse(manifest.to) - 9 * 86_400_000),
    new Date(Date.parse(manifest.to) - 4 * 86_400_000),
  ];
  await exportData(exportContext(database), exportOptions(folder, { from, to }));
  const [{ first, last, n }] =
    await ask(`select epoch_ms(min(created_at)) as first, epoch_ms(max(created_at)) as last, count(*) as n
    from '${folder}/interactions.parquet'`);
  assert.ok(Number(n) > 50 && Number(first) >= from.getTime() && Number(last) < to.getTime());
  assert.ok((await numberOf('max("at")', `'${folder}/towers/pairs.parquet'`)) < to.getTime());
  assert.ok(
    (await numberOf('min("at")', `'${folder}/towers/pairs.parquet'`)) < from.getTime(),
    "examples see the whole past",
  );
});

test("of a community that is too small there are tables, and a line that says why there is no more", async () => {
  const folder = await temporaryFolder({ after });
  const lines: string[] = [];
  const { rows } = await pool.query("select created_at from recsys.source_interactions order by 1 offset 40 limit 1");
  const options = exportOptions(folder, { to: rows[0].created_at, config: quickConfig });
  await exportData(
    exportContext(database, (line) => lines.push(line)),
    options,
  );
  assert.match(
    lines.join("\n"),
    /^there are no examples: \d+ first interactions are too few to train on: 100 are needed$/,
  );
  assert.equal((await readManifest(folder)).counts["towers/pairs"], undefined);
});
