/** Follows docs/adding-a-setting.md in a copy of the code: two files make a setting, which changes feeds and which an experiment overrides. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { workedExample } from "./testing-worked-example.ts";

const { text, blocks, fileOf, apply, run, assertTyped } = await workedExample({ after }, "docs/adding-a-setting.md");

/** Feeds of one person: as the setting is by default, changed for everybody, and by a variant; what a wrong value is told; and what a visitor may read. */
const program = `
import { openEmbeddedCopy } from "../db/testing-embedded.ts";
import { clear, fillCommunity, people } from "../testing/community.ts";
import { testApp } from "../supabase/functions/recommend/testing.ts";

const database = await openEmbeddedCopy();
const { pool } = database;
const cleanings = [() => database.close()];
try {
  await clear(pool);
  await fillCommunity(pool);
  const app = testApp({ after: (clean) => cleanings.unshift(clean) }, database.url);
  const share = async () => {
    const { status, body } = await app.call(people.ada, { limit: 20 });
    const scores = body.items.map(({ score }) => score);
    const shares = scores.map((score) => score / Math.max(...scores)).sort((a, b) => b - a);
    return { status, shares };
  };
  const feeds = { plain: await share() };
  const between = (place) => (feeds.plain.shares[place] + feeds.plain.shares[place + 1]) / 2;
  await pool.query("update recsys.settings set least_share = $1", [between(9)]);
  feeds.changed = await share();
  const start = (value) => pool.query("select recsys.start_experiment('pages', $1)", [JSON.stringify([
    { name: "short", share: 0.9999, settings: { least_share: value } }, { name: "control", share: 0.0001 },
  ])]);
  const refused = await start(2).then(() => null, (error) => error.message);
  await start(between(4));
  await pool.query("update recsys.experiment_variants set buckets = case place when 1 then '{[0,10000)}'::int4multirange else '{}' end");
  feeds.variant = await share();
  const { rows } = await pool.query("select has_column_privilege('anon', 'recsys.settings', 'least_share', 'select') as visitor");
  console.log(JSON.stringify({ feeds, refused, ...rows[0], logged: app.logged.map(String) }));
} finally {
  for (const clean of cleanings) await clean();
}`;

test("two files make a setting: it changes a feed, and a variant overrides it within its checks", async () => {
  assert.equal(new Set(blocks.map(fileOf)).size, 2);
  for (const block of blocks) await apply(block);
  const { feeds, refused, visitor, logged } = (await run(program)) as {
    feeds: Record<"plain" | "changed" | "variant", { status: number; shares: number[] }>;
    refused: string;
    visitor: boolean;
    logged: string[];
  };
  const { plain, changed, variant } = feeds;
  assert.deepEqual([plain.status, changed.status, variant.status, logged], [200, 200, 200, []]);
  const lengths = [plain, changed, variant].map(({ shares }) => shares.length);
  assert.deepEqual(lengths, [20, 10, 5], JSON.stringify(feeds));
  assert.ok(text.includes(refused), refused);
  assert.ok(visitor);
});

test("with every change made, the types fit", assertTyped);
