/** Follows docs/adding-a-feature.md in a copy of the code: what it says to write works, and what it says is forgotten is named. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { runProgram } from "../../db/testing-program.ts";
import { workedExample } from "../testing-worked-example.ts";

const example = await workedExample({ after }, "docs/adding-a-feature.md");
const { copy, text, blocks, fileOf, apply, run } = example;
const documented = /^recsys: (the feature .*)$/m.exec(text)?.[1];

const imports = `
import { featureNames } from "../supabase/functions/_shared/features/feature-names.ts";
import { featureSpecDigest } from "../supabase/functions/_shared/features/feature-spec.ts";
import { postFeatures, quietPost, rankerFeatures } from "../supabase/functions/_shared/features/ranker-features.ts";
import { contracts } from "../supabase/functions/_shared/models/contracts.ts";
import { assertFilled } from "./dlrm/examples.ts";
const user = { created_at: 0, last_active_at: null, views: 0, votes: 0, comments: 0, logins: 0, recent: [], recent_logins: [], habit_log_age: null, habit_log_idle: null, follows: 0, recent_interactions: [], history: [] };
const post = { title: "Two words", tags: [], author_id: null, created_at: 0, state: quietPost, embedding: null, similarity: 0, ranks: {}, author_affinity: 0, follows_author: false, touches: 0 };
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

/** Trains on a small community, publishes, and asks for two feeds, one of them with a filter; or the error. */
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
      "select impressed.value, ln(1 + (select count(distinct (user_id, kind)) - count(distinct user_id) from recsys.source_interactions as came where came.post_id = posts.id and user_id is distinct from author_id)) as expected from recsys.impression_features as impressed join public.posts on posts.id = impressed.post_id where impressed.request_id = $1 and impressed.feature = 'log_returns'",
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

const formula = "log_returns";

test("a formula of what nothing fills is named at once", async () => {
  const [missing] = blocks.filter((block) => block.includes(formula));
  const broken = missing.replace("logOf(state.returns)", "logOf((state as never as { returns: number }).replies)");
  await apply(broken);
  assert.equal(`${await run(trainedAndServed)}`, documented);
  await apply(broken.replace(/^([+])(.*)$/m, "-$2"));
});

test("a new column of a state goes from four files through a training into what a feed tells the ranker, and into the exposure log", async () => {
  const changes = blocks.slice(1);
  assert.equal(new Set(changes.map(fileOf)).size, 4);
  for (const change of changes) await apply(change);
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
  const [, query] = /```sql\n(.*?)```/s.exec(text) ?? assert.fail("a query");
  const message = await run(`
import { openEmbeddedCopy } from "../db/testing-embedded.ts";
const database = await openEmbeddedCopy();
const { fields } = await database.pool.query(${JSON.stringify(query)});
await database.close();
console.log(JSON.stringify(fields.map(({ name }) => name)));`);
  assert.deepEqual(message, ["post_id", "value"]);
});

test("with every change made, and the types generated, the types fit", async () => {
  await example.assertTyped();
});
