/** Follows docs/adding-a-feature.md in a copy of the code: what it says to write works, and what it says is forgotten is named. */
import assert from "node:assert/strict";
import { cp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runProgram } from "../../db/testing-program.ts";
import { temporaryFolder } from "../testing.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const copy = await temporaryFolder({ after });
let blocks: string[];
let documented: string;

before(async () => {
  for (const part of ["supabase/functions", "supabase/migrations", "serve", "trainer", "db", "package.json"])
    await cp(join(root, part), join(copy, part), { recursive: true });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  const text = await readFile(join(root, "docs/adding-a-feature.md"), "utf8");
  blocks = [...text.matchAll(/```diff\n(.*?)```/gs)].map(([, block]) => block);
  documented = /^recsys: (the feature .*)$/m.exec(text)?.[1] ?? "";
});

/** Changes a file of the copy as a block says. */
async function apply(block: string): Promise<void> {
  const [header, ...lines] = block.trimEnd().split("\n");
  const path = join(copy, header.replace(/^--- /, ""));
  const part = (signs: string) =>
    lines
      .filter((line) => signs.includes(line[0]))
      .map((line) => line.slice(1))
      .join("\n");
  const text = await readFile(path, "utf8");
  assert.equal(text.split(part(" -")).length, 2, `the lines around this change are in ${header} once:\n${block}`);
  await writeFile(
    path,
    text.replace(part(" -"), () => part(" +")),
  );
}

/** What a program in the copy prints. */
async function run(program: string): Promise<unknown> {
  const path = join(copy, "trainer/program.ts");
  await writeFile(path, program);
  const { status, stdout, stderr } = await runProgram(path, [join(copy, "model")]);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

const imports = `
import { featureNames } from "../supabase/functions/_shared/features/feature-names.ts";
import { featureSpecDigest } from "../supabase/functions/_shared/features/feature-spec.ts";
import { postFeatures, rankerFeatures } from "../supabase/functions/_shared/features/ranker-features.ts";
import { contracts } from "../supabase/functions/_shared/models/contracts.ts";
import { assertFilled } from "./dlrm/filled-features.ts";
const user = { created_at: 0, last_active_at: null, views: 0, votes: 0, comments: 0, logins: 0, recent: [], recent_logins: [], habit_log_age: null, habit_log_idle: null, recent_interactions: [], history: [] };
const post = { title: "Two words", tags: [], author_id: null, created_at: 0, embedding: null, similarity: 0, ranks: {}, last_active_at: null, kind: null, views: 0, votes: 0, comments: 0, participants: 0, last_comment_at: null, by_author: false, recent: [], author_affinity: 0 };
const features = rankerFeatures(user, [post], 3_600_000);
`;
const described = `${imports}
assertFilled(features);
const at = postFeatures.indexOf("log_title_words");
console.log(JSON.stringify({ digest: await featureSpecDigest(), width: contracts.dlrm.inputs.post_features.dims[1], names: featureNames.length, value: features.posts[at] ?? null }));`;

test("a line is enough: its value, the graph's width, the watch over it and the digest follow", async () => {
  const before = (await run(described)) as Record<string, number>;
  assert.equal(before.value, null);
  await apply(blocks[0]);
  const now = (await run(described)) as Record<string, number>;
  assert.deepEqual(
    { ...now, digest: now.digest !== before.digest },
    { digest: true, width: before.width + 1, names: before.names + 1, value: Math.fround(Math.log1p(2)) },
  );
});

test("the ranker's graph answers as its network does with one feature more", async () => {
  const { status, stderr, stdout } = await runProgram(join(copy, "trainer/export/dlrm.test.ts"), []);
  assert.equal(status, 0, stderr + stdout);
  assert.ok(stdout.length > 0, "it ran");
});

/** Trains on a small community with numbers of pictures, publishes, and asks for two feeds, one of them by the way of filters; or the error. */
const trainedAndServed = `
import { openEmbeddedCopy } from "../db/testing-embedded.ts";
import { testApp } from "../supabase/functions/recommend/testing.ts";
import { parseConfig } from "./config/config.ts";
import { readModelFolder } from "./model-folder/model-folder.ts";
import { publish } from "./publish/publish.ts";
import { fillSmallCommunity } from "./testing.ts";
import { trainIntoFolder } from "./train-into-folder.ts";

const database = await openEmbeddedCopy();
const { pool } = database;
const cleanings = [() => database.close()];
try {
  await fillSmallCommunity(database);
  await pool.query("update public.posts set images = length(title) % 5");
  const { config } = parseConfig({ towers: { epochsOf: { before: 1 } }, ranker: { epochs: 1, rows: 24, hardNegatives: 12 } });
  const context = { database, onProgress() {}, signal: new AbortController().signal, print() {} };
  const folder = await trainIntoFolder(context, { seed: 1, config, out: process.argv[2], parent: "." });
  await publish(database, await readModelFolder(folder), { activate: true });
  const app = testApp({ after: (clean) => cleanings.unshift(clean) }, database.url);
  const { rows: [{ user_id }] } = await pool.query("select user_id from recsys.source_users order by created_at limit 1");
  const feeds = [];
  for (const body of [{ limit: 20 }, { limit: 20, filter: { max_age_days: 1000 } }]) {
    const { status, body: feed } = await app.call(user_id, body);
    await app.settled();
    const { rows } = await pool.query(
      "select impressed.value, ln(1 + posts.images) as expected from recsys.impression_features as impressed join public.posts on posts.id = impressed.post_id where impressed.request_id = $1 and impressed.feature = 'log_images'",
      [feed.request_id],
    );
    feeds.push({ status, items: feed.items.length, rows });
  }
  console.log(JSON.stringify(feeds));
} catch (error) {
  console.log(JSON.stringify(error.message));
} finally {
  for (const clean of cleanings) await clean();
}`;

/** The changes of a new column; that of the replay is the one that nothing else finds missing. */
const replay = "--- trainer/community/state.ts";
const ofColumn = () => blocks.slice(1);

test("a column that the replay does not pass on is named at once", async () => {
  for (const block of ofColumn().filter((each) => !each.startsWith(replay))) await apply(block);
  assert.equal(`${await run(trainedAndServed)}`, documented);
});

test("a new column goes from the table through a training into what a feed tells the ranker, and into the exposure log", async () => {
  const missing = ofColumn().filter((each) => each.startsWith(replay));
  assert.equal(missing.length, 1);
  await apply(missing[0]);
  const feeds = (await run(trainedAndServed)) as { status: number; items: number; rows: Record<string, number>[] }[];
  assert.equal(feeds.length, 2, `${feeds}`);
  for (const { status, items, rows } of feeds) {
    assert.equal(status, 200);
    assert.ok(items > 0 && rows.length === items, `${rows.length} of ${items}`);
    for (const { value, expected } of rows) assert.ok(Math.abs(value - expected) < 1e-6, `${value}, not ${expected}`);
    assert.ok(new Set(rows.map(({ value }) => value)).size > 1, "posts differ in it");
  }
});

test("what the page asks for is there as its query says it", async () => {
  const text = await readFile(join(root, "docs/adding-a-feature.md"), "utf8");
  const [, query] = /```sql\n(.*?)```/s.exec(text) ?? assert.fail("a query");
  const message = await run(`
const database = await openEmbeddedCopy();
const { fields } = await database.pool.query(${JSON.stringify(query)});
await database.close();
console.log(JSON.stringify(fields.map(({ name }) => name)));`);
  assert.deepEqual(message, ["post_id", "value"]);
});

test("with every change made, the types fit", async () => {
  for (const part of ["adopt", "bench", "cli", "client", "testing", "web", "tsconfig.json"])
    await cp(join(root, part), join(copy, part), { recursive: true });
  await rm(join(copy, "trainer/program.ts"));
  const { status, stdout, stderr } = await runProgram(
    join(root, "node_modules/typescript/bin/tsc"),
    ["--noEmit"],
    copy,
  );
  assert.equal(status, 0, stdout + stderr);
});
