/** An app's own vectors in the database: how many there are, and how long what was made of them is kept. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { publishTinyModel } from "../testing/community.ts";
import { embeddedCommunity } from "../testing/embed.ts";
import { eitherDatabase } from "./testing.ts";

const database = await eitherDatabase({ after }, "own_vectors_kept");
const { pool } = database;
let model: number;
before(async () => {
  model = await embeddedCommunity(database);
});
beforeEach(async () => {
  await pool.query("delete from recsys_engine.vector_bases");
});

const shapes = async () => {
  const { rows } = await pool.query("select * from recsys_engine.own_vector_shapes('post') order by entities desc");
  return rows;
};
const bases = async () => {
  const { rows } = await pool.query(
    "select basis_id, (select count(*)::int from recsys_engine.reduced_vectors where reduced_vectors.basis_id = bases.basis_id) as posts from recsys_engine.vector_bases as bases order by 1",
  );
  return rows.map(({ basis_id, posts }) => `${basis_id} ${posts}`);
};
async function addBasis(id: string, days: number): Promise<void> {
  await pool.query(
    `insert into recsys_engine.vector_bases (basis_id, encoder, dimension, weights, used_at)
     values ($1, $1, 2, decode(repeat('00', 520), 'hex'), now() - make_interval(days => $2))`,
    [id, days],
  );
  await pool.query(
    "insert into recsys_engine.reduced_vectors select id, $1, (array[1] || array_fill(0, array[63]))::extensions.vector from public.posts limit 5",
    [id],
  );
}
const reads = (model: number, basis: string) =>
  pool.query("update recsys.models set feature_spec = jsonb_set(feature_spec, '{vectors}', $2) where model_id = $1", [
    model,
    JSON.stringify({ basis, encoder: basis, dimension: 2 }),
  ]);

test("few vectors are counted; of many a sample says how many there are, in a table of partitions, too", async (t) => {
  await pool.query(`
    create table public.many (post_id uuid not null, model text, made real[], place integer not null) partition by range (place);
    create table public.many_1 partition of public.many for values from (0) to (15000);
    create table public.many_2 partition of public.many default;
    grant select on public.many to service_role;
    select recsys.watch('public.many', 'vectors', p_texts => '{made}', p_others => '{model}')`);
  // 24,000 jobs would make each activation take 3 s
  t.after(() => pool.query("drop table public.many; truncate recsys_engine.embedding_jobs"));
  assert.deepEqual(await shapes(), []);
  const fill = (from: number, to: number) =>
    pool.query(
      "insert into public.many select gen_random_uuid(), case when n % 4 = 0 then 'old' else 'new' end, case when n % 5 > 0 then array[n, 1, 2] end, n from generate_series($1::integer, $2) as n",
      [from, to],
    );
  await fill(1, 1000);
  assert.deepEqual(await shapes(), [
    { encoder: "new", dimension: 3, entities: 600, is_estimate: false },
    { encoder: "old", dimension: 3, entities: 200, is_estimate: false },
  ]);
  await fill(1001, 30_000);
  for (const analyze of ["select", "analyze public.many"]) {
    await pool.query(analyze);
    const about = await shapes();
    assert.deepEqual(
      about.map(({ encoder, dimension, is_estimate }) => [encoder, dimension, is_estimate]),
      [
        ["new", 3, true],
        ["old", 3, true],
      ],
    );
    // of 18,000 and 6,000; pages are drawn, and each has all kinds of rows here
    for (const [i, posts] of [18_000, 6_000].entries())
      assert.ok(Math.abs(about[i].entities / posts - 1) < 0.15, `${about[i].entities} of ${posts}`);
    assert.deepEqual(await shapes(), about, "the same each time");
  }
  await reads(model, "another");
  const found = await pool.query("select problem from recsys.check() where problem ~ 'have one by'");
  assert.deepEqual(
    found.rows.map(({ problem }) => problem.replace(/about \d+/, "about so many")).sort(),
    ["new", "old"].map(
      (encoder) =>
        `model first reads vectors by another, and about so many posts have one by ${encoder}: these are embedded by their words alone`,
    ),
  );
  const { rows } = await pool.query(
    "select (regexp_match(recsys_engine.own_vectors_sql('post', 10000), 'public.many as changed tablesample system .([0-9.]+)'))[1]::real as share, recsys_engine.sampled_share('public.many', 10000) as exactly, recsys_engine.sampled_share('recsys_engine.raw_vectors', 10000) as none",
  );
  assert.ok(Math.abs(rows[0].exactly - 1 / 3) < 0.01, JSON.stringify(rows));
  assert.ok(Math.abs(rows[0].share / 100 - rows[0].exactly) < 1e-3 && rows[0].none === 1, JSON.stringify(rows));
});

test("with the last model that reads vectors by a basis goes the basis, unless a training used it lately", async () => {
  const old = await publishTinyModel(pool, { name: "old" });
  const serving = await publishTinyModel(pool, { name: "serving" });
  await addBasis("of old", 15);
  await addBasis("of serving", 400);
  await addBasis("of nobody", 15);
  await addBasis("of a training", 13);
  await reads(old, "of old");
  await reads(serving, "of serving");
  const drop = async () => (await pool.query("select recsys_engine.drop_old_model()::int as id")).rows[0].id;
  await drop();
  assert.deepEqual(await bases(), ["of a training 5", "of old 5", "of serving 5"]);
  await pool.query(
    "update recsys.models set status = 'ready', created_at = now() - interval '1 year' where status <> 'active'",
  );
  await pool.query(
    "update recsys_engine.model_activations set ended_at = now() - interval '1 year' where ended_at is not null",
  );
  while ((await drop()) !== null);
  const { rows } = await pool.query("select name from recsys.models");
  assert.deepEqual(rows, [{ name: "serving" }]);
  assert.deepEqual(await bases(), ["of a training 5", "of serving 5"]);
  await pool.query("update recsys.settings set unserved_models_kept = '12 days'");
  await drop();
  assert.deepEqual(await bases(), ["of serving 5"], "where there is no model to drop, too");
});
