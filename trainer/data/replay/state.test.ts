/**
 * No skew: what the trainer sees of the past is what the functions would have been told then. The replayed state and the
 * SQL are held against each other at several instants of a synthetic community, down to the ranker's features.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { importBundle } from "../../../db/import/import-bundle.ts";
import { eitherDatabase } from "../../../db/testing.ts";
import { pickCases } from "../../../testing/courses.ts";
import { Random } from "../../models/nn/random.ts";
import { writeSyntheticCommunity } from "../synthetic/write-synthetic-community.ts";
import { communityFromDatabase, type LoadedCommunity } from "./from-database.ts";
import { CommunityState } from "./state.ts";
import {
  addFollows,
  addNewcomers,
  addWaiting,
  addWhatCountsForNothing,
  addWithheld,
  assertAgrees,
  instantAfter,
  randomNeighbours,
  unitVectors,
} from "./testing.ts";

const database = await eitherDatabase({ after }, "state");
const random = new Random(7);
let loaded: LoadedCommunity;
const parts = [0.25, 0.6, 1];

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  await writeSyntheticCommunity(folder, { seed: 3, users: 120, posts: 450, days: 40 });
  await importBundle(database, folder);
  await rm(folder, { recursive: true });
  await addWhatCountsForNothing(database);
  await addFollows(database);
  await addWithheld(database);
  await addNewcomers(database, parts);
  await addWaiting(database);
  loaded = await communityFromDatabase(database);
  // SQL is asked as the owner, who reads all
  loaded.community.readable = undefined;
});

for (const part of pickCases(parts))
  test(`after ${100 * part} % of the events, users and candidates are the same in SQL and in the replay`, async () => {
    const { community, timeline } = loaded;
    const postVectors = unitVectors(random, community.posts.ids.length);
    const neighbours = randomNeighbours(random, community.posts.ids);
    const events = Math.floor(part * timeline.length);
    const instant = await instantAfter(database, loaded, postVectors, events, neighbours);
    let [compared, followed, touched, byTopic, covisited, withheld, waiting] = [0, 0, 0, 0, 0, 0, 0];
    for (let user = 0; user < community.users.ids.length; user += 9) {
      const candidates = await assertAgrees(instant, user, unitVectors(random, 1));
      compared += candidates.length;
      followed += candidates.filter((candidate) => candidate.follows_author).length;
      touched += candidates.filter(({ touches }) => touches > 0).length;
      byTopic += candidates.filter(
        ({ ranks, follows_author, author_affinity }) => ranks.followed && !follows_author && author_affinity === 0,
      ).length;
      covisited += candidates.filter(({ ranks }) => ranks.covisited !== null).length;
      const ofFollowers = candidates.filter(({ post }) => community.posts.withheld?.[post]);
      assert.ok(ofFollowers.every((candidate) => candidate.follows_author));
      withheld += ofFollowers.length;
      const thatWait = candidates.filter(({ post }) => community.posts.waits?.[post]);
      assert.ok(thatWait.every(({ ranks }) => ranks.fresh === null));
      waiting += thatWait.length;
    }
    const counts = [compared, followed, touched, byTopic, covisited, 20 * withheld, waiting];
    assert.ok(compared > 1000 && counts.every((count) => count > 50), `only ${counts} rows compared`);
  });

test("with an index window the source similar brings the same posts in SQL and in the replay", async () => {
  const { community, timeline } = loaded;
  const now = timeline.at[timeline.length - 1] + 0.5;
  // the clock of SQL goes on: no post becomes idle within the next ten minutes
  const last = new CommunityState(community, timeline);
  last.advance(timeline.length, now);
  const days = [3, 4, 5, 6, 7].find((each) =>
    community.posts.ids.every((_, post) => {
      const { created_at, last_active_at } = last.times(post);
      const left = Math.max(created_at, last_active_at ?? 0) - (now - each * 86_400_000);
      return left < 0 || left > 600_000;
    }),
  );
  assert.ok(days);
  // the next model has as many posts, and so the same name
  await database.pool.query("update recsys.models set name = name || ' before'");
  await database.pool.query("update recsys.settings set index_window_days = $1", [days]);
  community.indexedDays = days;
  const postVectors = unitVectors(random, community.posts.ids.length);
  const instant = await instantAfter(database, loaded, postVectors, timeline.length);
  const indexed = community.posts.ids.filter((_, post) => instant.state.isIndexed(post, now)).length;
  assert.ok(indexed > 20 && indexed < 0.9 * community.posts.ids.length, `${indexed} are indexed`);
  let [similar, others] = [0, 0];
  for (let user = 0; user < community.users.ids.length; user += 9)
    for (const { post, ranks } of await assertAgrees(instant, user, unitVectors(random, 1))) {
      if (ranks.similar !== null) similar++;
      if (ranks.similar !== null) assert.ok(instant.state.isIndexed(post, now));
      else if (!instant.state.isIndexed(post, now)) others++;
    }
  assert.ok(similar > 50 && others > 50, `${similar} by similar, ${others} idle ones by other sources`);
});
