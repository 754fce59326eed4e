/** The age of the towers that bring the ranker its requests. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { buildRankerExamples, type RetrievalModel } from "./build-ranker-examples.ts";
import type { LoadedCommunity } from "./data/replay/from-database.ts";
import { startBackend } from "./models/nn/backend.ts";
import { vectorAt } from "./models/nn/vector-at.ts";
import { embedPosts, embedUsersAt } from "./models/towers/embed.ts";
import { Histories } from "./models/towers/histories.ts";
import { type TrainedTowers, trainTowers } from "./models/towers/train.ts";
import { loadSmallCommunity } from "./testing.ts";
import { type Plan, planTraining, trainingScopeOf } from "./training-plan.ts";

const options = { seed: 1, scoreWeights: [0.2, 1, 1] };
let loaded: LoadedCommunity;
let plan: Plan;

before(async () => {
  await startBackend();
  loaded = await loadSmallCommunity();
  plan = planTraining(loaded, trainingScopeOf(loaded, options), options);
});

const lessonsBy = (retrieving: RetrievalModel) =>
  buildRankerExamples(loaded, plan.requests, plan.heads, retrieving, options);
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
  assert.equal(seen.length, 5);
  const starts = seen.map(({ until }) => plan.requests.findIndex(({ at }) => at >= until));
  assert.deepEqual([starts[0], starts[4]], [0, parts.heldOut[0]]);
  for (const [i, start] of starts.entries()) {
    assert.equal(seen[i].until, plan.requests[start].at, "up to the first request of the time");
    if (i > 0) assert.notDeepEqual(seen[i].vectors, seen[i - 1].vectors);
    const end = starts[i + 1] ?? plan.requests.length;
    for (let row = examples.rowOf(start); row < examples.rowOf(end); row++)
      if (examples.weights[row] > 0)
        assert.deepEqual(vectorAt(examples.postVectors, row), vectorAt(seen[i].vectors, examples.posts[row]));
  }
  // the people of the held-out requests are embedded by the towers as they are now
  const last = plan.requests.slice(parts.heldOut[0]);
  const histories = new Histories(loaded.community, Infinity);
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
  const vectors = vectorsOf(towers);
  for (const [row, post] of examples.posts.entries())
    if (examples.weights[row] > 0) assert.deepEqual(vectorAt(examples.postVectors, row), vectorAt(vectors, post));
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
