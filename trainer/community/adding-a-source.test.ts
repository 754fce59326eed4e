/** Follows docs/adding-a-source.md in a copy of the code: three files make a source, which SQL and replay bring alike, by every way to a feed. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { workedExample } from "../testing-worked-example.ts";

const { blocks, fileOf, apply, run, assertTyped } = await workedExample({ after }, "docs/adding-a-source.md");

/** A small community with posts that nobody came to; the source by all ways, and by the replay. */
const program = `
import { openEmbeddedCopy } from "../db/testing-embedded.ts";
import { openCommonPosts } from "../supabase/functions/_shared/recommend/common-posts.ts";
import { nothingServed } from "../supabase/functions/_shared/recommend/cursor.ts";
import { retrieve } from "../supabase/functions/_shared/recommend/retrieve.ts";
import { fillManyPosts } from "../supabase/functions/recommend/testing-many-posts.ts";
import { communityFromDatabase } from "./community/from-database.ts";
import { instantAfter, unitVectors, assertAgrees } from "./community/testing.ts";
import { Random } from "./engine/random.ts";

const database = await openEmbeddedCopy();
try {
  const { people } = await fillManyPosts(database.pool);
  // the replay ends its walk to what is trending at a post that was created after its last interaction
  for (const table of ["post_views", "comments"])
    await database.pool.query("delete from public." + table + " as acts using public.posts where posts.id = acts.post_id and acts.created_at < posts.created_at");
  await database.pool.query("select recsys.roll_up(null)");
  const loaded = await communityFromDatabase(database);
  const random = new Random(1);
  const vectors = unitVectors(random, loaded.community.posts.ids.length);
  const instant = await instantAfter(database, loaded, vectors, loaded.timeline.length);
  const vector = unitVectors(random, 1);
  const replayed = await assertAgrees(instant, loaded.community.users.ids.indexOf(people[0]), vector);
  const client = await database.pool.connect();
  const { modelId } = instant;
  const caller = { sub: people[0], role: "postgres" };
  await client.query("begin; set local enable_indexscan = off");
  const common = await openCommonPosts().of(client, caller.role, 1, Date.now());
  const asked = { modelId, vector, page: { served: nothingServed() } };
  const ways = {
    replayed,
    beside: await retrieve(client, caller, { ...asked, common }),
    all: await retrieve(client, caller, { ...asked, common: null }),
    filtered: await retrieve(client, caller, { ...asked, page: { ...asked.page, filter: { max_age_days: 1000 } }, common: null }),
  };
  const { rows } = await client.query("select source, count(*)::integer from recsys.common_sources(recsys.feed_request($1, now()), 'all') group by source", [people[0]]);
  await client.query("rollback");
  client.release();
  const bySource = (found) => found.flatMap(({ ranks }) => ranks.untouched ?? []).sort((a, b) => a - b);
  console.log(JSON.stringify({ ...Object.fromEntries(Object.entries(ways).map(([name, found]) => [name, found && bySource(found)])), unlimited: rows.find(({ source }) => source === "untouched")?.count }));
} finally {
  await database.close();
}`;

test("three files make a source, and every way to candidates has it", async () => {
  assert.equal(new Set(blocks.map(fileOf)).size, 3);
  for (const block of blocks) await apply(block);
  const { unlimited, ...ways } = (await run(program)) as { unlimited: number } & Record<string, number[]>;
  assert.ok(unlimited > 30, `${unlimited} posts that nobody came to`);
  const ranks = Array.from({ length: 30 }, (_, i) => i + 1);
  for (const [way, found] of Object.entries(ways)) assert.deepEqual(found, ranks, way);
});

test("the types fit", async () => {
  await assertTyped();
});
