/** Of which time the towers are that bring the ranker its requests. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { LoadedCommunity } from "./community/from-database.ts";
import { startBackend } from "./engine/backend.ts";
import { lessonsOf, type Plan, planTraining } from "./plan.ts";
import { type Retrieving, rankerLessons } from "./ranker-lessons.ts";
import { loadSmallCommunity } from "./testing.ts";
import { embedPosts, embedUsersAt } from "./towers/embed.ts";
import { Histories } from "./towers/histories.ts";
import { type TrainedTowers, trainTowers } from "./towers/train.ts";

const options = { seed: 1, scoreWeights: [0.2, 1, 1] };
let loaded: LoadedCommunity;
let plan: Plan;

before(async () => {
  await startBackend();
  loaded = await loadSmallCommunity();
  plan = planTraining(loaded, lessonsOf(loaded, options), options);
});

const lessonsBy = (retrieving: Retrieving) => rankerLessons(loaded, plan.requests, plan.heads, retrieving, options);
const firstTowers = () => trainTowers(loaded.community, { ...plan.towers, epochs: 1 });
const vectorsOf = ({ towers, data }: TrainedTowers) => embedPosts(towers, data, loaded.community.posts.ids.length);

test("the ranker learns on towers that know all before a time and nothing of it, and in the end all before what is held out", async () => {
  let towers = await firstTowers();
  const seen = [{ until: plan.towers.until, vectors: vectorsOf(towers) }];
  const { examples, parts } = await lessonsBy({
    ...towers,
    goOn: async (from, until) => {
      assert.equal(from, seen[seen.length - 1].until, "from where they stopped");
      towers = await trainTowers(
        loaded.community,
        { ...plan.towers, epochs: 1, from, until },
        undefined,
        undefined,
        towers,
      );
      seen.push({ until, vectors: vectorsOf(towers) });
    },
  });
  assert.equal(examples.vectors.length, 5);
  const histories = new Histories(loaded.community, Infinity);
  for (const [i, { from, posts }] of examples.vectors.entries()) {
    assert.equal(seen[i].until, plan.requests[from].at, "up to the first request of the time");
    assert.deepEqual(posts, seen[i].vectors);
    if (i > 0) assert.notDeepEqual(posts, seen[i - 1].vectors);
    // a row's post has the vector of its request's time
    const row = examples.rowOf(from);
    const post = examples.posts[row];
    assert.deepEqual(examples.postVector(row), posts.slice(post * 32, (post + 1) * 32));
  }
  assert.equal(examples.vectors[4].from, parts.heldOut[0]);
  // the people of the held-out requests are embedded by the towers as they are now
  const last = plan.requests.slice(parts.heldOut[0]);
  const moments = last.map((request) => {
    assert.ok("post" in request);
    return { user: request.user, history: histories.latest(request.user, request.at, request.post) };
  });
  const now = embedUsersAt(towers.towers, towers.data, moments, seen[4].vectors);
  assert.deepEqual(examples.users.slice(parts.heldOut[0] * 32), now);
});

test("towers that were trained elsewhere are of one time", async () => {
  const towers = await firstTowers();
  const { examples } = await lessonsBy(towers);
  assert.deepEqual(examples.vectors, [{ from: 0, posts: vectorsOf(towers) }]);
});

test("towers to which nothing is new stay as they are", async () => {
  const towers = await firstTowers();
  const { until } = plan.towers;
  const again = await trainTowers(
    loaded.community,
    { ...plan.towers, from: until, until },
    undefined,
    undefined,
    towers,
  );
  assert.equal(again, towers);
});
