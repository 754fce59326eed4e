/**
 * The second of two models that draft a feed gets the candidates that it would have alone, though most are not asked
 * for again: for all users, page after page, with what is hidden from them and what they interacted with.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { pickCases } from "../../../testing/courses.ts";
import { publishVectors, unitVectors } from "../../../trainer/data/replay/testing.ts";
import { Random } from "../../../trainer/models/nn/random.ts";
import { vectorAt } from "../../../trainer/models/nn/vector-at.ts";
import type { Connection } from "../_shared/database/database.ts";
import { openPool } from "../_shared/database/pool.ts";
import { readAs } from "../_shared/database/run-as-caller.ts";
import { noSpan } from "../_shared/http/span.ts";
import { secondCandidates } from "../_shared/plugins/interleaving/second-candidates.ts";
import { type ContextRow, readContext } from "../_shared/recommend/context/read-context.ts";
import type { PostCandidate } from "../_shared/recommend/context/user-state.ts";
import { emptyServedState, type Page } from "../_shared/recommend/request/cursor.ts";
import { createGlobalCandidatesCache } from "../_shared/recommend/sources/global-candidates.ts";
import { startRetrieval } from "../_shared/recommend/sources/start-retrieval.ts";
import { fillManyPosts } from "./testing-many-posts.ts";

const { pool, url } = await testDatabase({ after }, "second_candidates");
const random = new Random(1);

await pool.query("update recsys.settings set requests_per_minute = null");
const { posts, people } = await fillManyPosts(pool);
// of the second model some posts have no vector yet
const second = await publishVectors({ pool }, posts.slice(20), unitVectors(random, posts.length - 20));
const first = await publishVectors({ pool }, posts, unitVectors(random, posts.length));
await pool.query("select recsys.activate_model($1)", [first]);
await pool.query("analyze");
const connections = openPool(url, () => undefined);
after(() => connections.end());

const sorted = (candidates: PostCandidate[]) => candidates.toSorted((a, b) => (a.post_id < b.post_id ? -1 : 1));
const anyVector = () => vectorAt(unitVectors(random, 1), 0);

/** What the second model has of a feed both ways, and what the first had. */
async function bothWays(sub: string, page: Page) {
  const caller = { sub, role: "authenticated" };
  return await readAs(connections, caller, readContext(sub), async (connection, [row]) => {
    // the index brings nearly the nearest, and each search its own
    await connection.query("set local enable_indexscan = off");
    const common = createGlobalCandidatesCache();
    const { posts: ofFirst } = await startRetrieval(connection, common, caller, row, page, noSpan)(anyVector());
    const vector = anyVector();
    const context: ContextRow = { ...row, model_id: second };
    const asked: string[] = [];
    const listened: Connection = {
      query(text, values) {
        asked.push(text);
        return connection.query(text, values);
      },
      release: () => undefined,
    };
    const found = await secondCandidates(listened, common, caller, context, vector, page, ofFirst);
    // without a filter once for what is its own
    const isWhole =
      asked.filter((text) => text.includes("recsys_engine.feed_candidates(")).length > (page.filter ? 0 : 1);
    assert.deepEqual((await connection.query("select current_user::text as role")).rows, [{ role: "authenticated" }]);
    const { posts: alone } = await startRetrieval(connection, common, caller, context, page, noSpan)(vector);
    return { ofFirst, found: sorted(found), alone: sorted(alone), isWhole };
  });
}

for (const [what, filter] of [
  ["without a filter", undefined],
  ["with one", { tags: ["topic 1", "topic 2"] }],
] as const)
  test(`it is what the model would have alone, ${what}`, async () => {
    let whole = 0;
    const readers = pickCases(people.slice(0, 12));
    for (const reader of readers) {
      const page: Page = {
        limit: 20,
        served: emptyServedState(),
        ...(filter && { filter: { tags: [...filter.tags] } }),
      };
      for (let number = 0; number < 3; number++) {
        const { ofFirst, found, alone, isWhole } = await bothWays(reader, page);
        assert.ok(alone.length > 100);
        assert.deepEqual(found, alone);
        whole += Number(isWhole);
        assert.ok(found.some(({ embedding }) => embedding === null) || filter, "some have no vector in it");
        const known = new Set(ofFirst.map(({ post_id }) => post_id));
        if (!filter)
          assert.ok(found.filter(({ post_id }) => !known.has(post_id)).length > 20, "it has posts of its own");
        page.served.keys.push(...alone.slice(7, 22).map(({ served_key }) => served_key));
      }
    }
    const pages = 3 * readers.length;
    if (filter) assert.equal(whole, pages);
    else assert.ok(whole <= pages / 6, `for ${whole} of ${pages} pages all was asked for`);
  });

test("where most of its nearest posts are hidden, it is asked as if it were the only one", async () => {
  await pool.query("update public.posts set visibility = 'private' where substr(md5(id::text), 1, 1) > '3'");
  const { found, alone, isWhole } = await bothWays(people[3], { limit: 20, served: emptyServedState() });
  assert.ok(alone.filter(({ ranks }) => ranks.similar !== null).length >= 100);
  assert.ok(isWhole);
  assert.deepEqual(found, alone);
});
