/** Follows docs/adding-a-head.md in a copy of the code: three files make a head, which is trained, exported, served and logged. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { workedExample } from "./testing-worked-example.ts";

const { blocks, fileOf, apply, run, generate, assertTyped } = await workedExample({ after }, "docs/adding-a-head.md");

/** Trains on pages of which everybody read half of the posts twice, publishes, and asks for a feed. */
const program = `
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
  await pool.query(\`
    delete from recsys.impressions;
    insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, score)
    select md5('page ' || users.user_id)::uuid, users.user_id, posts.post_id, posts.position, recsys.clock() - interval '4 days', 1
    from recsys.source_users as users
    cross join lateral (
      select posts.post_id, row_number() over (order by md5(users.user_id::text || posts.post_id::text)) as position
      from recsys.source_posts as posts
      where posts.author_id <> users.user_id and posts.created_at < recsys.clock() - interval '5 days'
        and not exists (select from recsys.source_interactions as acts where acts.user_id = users.user_id and acts.post_id = posts.post_id)
      limit 8
    ) as posts\`);
  await pool.query(\`
    insert into public.post_views (user_id, post_id, created_at)
    select user_id, post_id, shown_at + hours * interval '1 hour' from recsys.impressions, generate_series(1, 2) as hours
    where request_id = md5('page ' || user_id)::uuid and position % 2 = 0\`);
  const config = parseConfig({ towers: { epochsOf: { before: 1 } }, ranker: { epochs: 1, rows: 24, hardNegatives: 12, enoughPages: 20, interactionsPerRequest: 1 } }).config;
  const context = { database, onProgress() {}, signal: new AbortController().signal, print() {} };
  const path = await trainIntoFolder(context, { seed: 1, config, out: process.argv[2], parent: "." });
  const folder = await readModelFolder(path);
  await publish(database, folder, { activate: true });
  const app = testApp({ after: (clean) => cleanings.unshift(clean) }, database.url);
  const { rows: [{ user_id }] } = await pool.query("select user_id from recsys.source_users order by created_at limit 1");
  const ask = async (weight) => {
    await pool.query("update recsys.settings set reread_weight = $1", [weight]);
    const { status, body } = await app.call(user_id, { limit: 5 });
    await app.settled();
    return { status, request: body.request_id, items: body.items.map(({ score, predictions }) => ({ score, predictions })) };
  };
  const feeds = [await ask(0), await ask(7)];
  const { rows: log } = await pool.query("select optional_probabilities ->> 'reread' as reread from recsys.impressions where request_id = $1 order by position", [feeds[1].request]);
  const { rows: [model] } = await pool.query("select heads from recsys.models where status = 'active'");
  const { rows: [reported] } = await pool.query("select recsys.acts_of('reread') as acts");
  console.log(JSON.stringify({ trained: folder.heads, published: model.heads, feeds, log: log.map(({ reread }) => Number(reread)), ...reported }));
} finally {
  for (const clean of cleanings) await clean();
}`;

interface Served {
  status: number;
  items: { score: number; predictions: Record<string, number> }[];
}

test("three files make a head: it is trained where pages hold enough of it, published, served, weighed and logged", async () => {
  assert.equal(new Set(blocks.map(fileOf)).size, 3);
  for (const block of blocks) await apply(block);
  await generate("client");
  const { trained, published, feeds, log, acts } = (await run(program)) as {
    trained: string[];
    published: string[];
    feeds: Served[];
    log: number[];
    acts: string;
  };
  assert.deepEqual(trained, ["view", "vote", "comment", "reread"]);
  assert.deepEqual(published, trained);
  for (const [i, weight] of [0, 7].entries()) {
    assert.deepEqual([feeds[i].status, feeds[i].items.length], [200, 5]);
    for (const { score, predictions } of feeds[i].items) {
      const { view, vote, comment, reread } = predictions;
      assert.ok(reread > 0 && reread < 1);
      assert.ok(Math.abs(score - (0.2 * view + vote + comment + weight * reread)) < 1e-5);
    }
  }
  const served = feeds[1].items.map(({ predictions }) => predictions.reread);
  for (const [i, logged] of log.entries()) assert.ok(Math.abs(logged - served[i]) < 1e-6);
  assert.equal(log.length, 5);
  assert.equal(acts, "rereads");
});

test("with every change made, the types fit", assertTyped);
