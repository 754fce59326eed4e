/** Fine-tuning an earlier model: what it learns from, and what the towers have seen by then. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { ModelWithHoldoutTowers, TrainedModel, WarmStartModel } from "./artifacts/model-folder/trained-model.ts";
import { dlrmGraph } from "./artifacts/onnx/dlrm.ts";
import { dlrmOf, towersOf } from "./artifacts/onnx/read-weights.ts";
import { postTowerGraph, userTowerGraph } from "./artifacts/onnx/towers.ts";
import type { LoadedCommunity } from "./data/replay/from-database.ts";
import { hour } from "./evaluation/testing.ts";
import { startBackend } from "./models/nn/backend.ts";
import { RankingExamples } from "./models/ranker/ranking-examples.ts";
import { firstInteractionEvents } from "./models/ranker/requests.ts";
import { embedUsersAt } from "./models/towers/embed.ts";
import { Histories } from "./models/towers/histories.ts";
import { trainModel } from "./pipeline.ts";
import { loadSmallCommunity } from "./testing.ts";
import { keptStages } from "./testing-models.ts";
import { defaultConfig } from "./training/config/config.ts";

const options = { seed: 1, scoreWeights: [0.2, 1, 1] };
let loaded: LoadedCommunity;
/** The instant up to which the first model learns, and the number of first interactions since. */
let first: { until: number; model: TrainedModel; since: number };
/** A model that goes on from the first with all that is new, and what its ranker learned from. */
let second: { model: ModelWithHoldoutTowers; examples: RankingExamples };

before(async () => {
  await startBackend();
  loaded = await loadSmallCommunity();
  const events = firstInteractionEvents(loaded.community, loaded.timeline, Infinity);
  const { community } = loaded;
  const start = events[Math.floor(0.7 * events.length)];
  const until = loaded.timeline.at[start];
  first = {
    until,
    model: await trainModel(loaded, {
      ...options,
      until,
      stages: keptStages({ community, others: { until, options } }),
    }),
    since: events.filter((event) => loaded.timeline.at[event] >= until).length,
  };
  let examples = new RankingExamples([], 1);
  const onExamples = (given: RankingExamples) => {
    examples = given;
  };
  second = { model: await trainModel(loaded, { ...options, from: earlier(), onExamples }), examples };
});

/** A copy of the first model, since training changes it. */
function earlier({ learnedUntil = first.until } = {}): WarmStartModel {
  const { towers } = first.model.towers;
  return {
    towers: {
      ...towersOf(userTowerGraph(towers), postTowerGraph(towers)),
      userIdEmbeddings: towers.userIdEmbeddings.copy(),
      postIdEmbeddings: towers.postIdEmbeddings.copy(),
    },
    dlrm: dlrmOf(dlrmGraph(first.model.dlrm)),
    hasNeighbours: false,
    learnedUntil,
    learnedFrom: "interactions",
  };
}

test("neighbours are there where the earlier model has them, known to the ranker and the gate up to their requests, to feeds up to the end", async () => {
  assert.equal(first.model.neighbours, undefined, "and not where they find no more than what a feed finds without");
  const whole = await loadSmallCommunity(`
    insert into public.post_views (user_id, post_id, created_at)
    select people.id, posts.id, recsys.clock() - interval '1 hour' * (case when posts.number <= 4 then 200 else 12 end + posts.number + people.number / 100.0)
    from (select id, row_number() over (order by id) as number from public.profiles) as people
    join (select id, row_number() over (order by created_at, id) as number from public.posts) as posts on posts.number <= 8
    where people.number <= 30
    on conflict do nothing`);
  const model = await trainModel(whole, { ...options, from: { ...earlier(), hasNeighbours: true } });
  const before = [...model.heldBack.neighbours.values()].flat().length;
  assert.ok(
    before > 0 && (model.neighbours?.posts.length ?? 0) > before,
    `${model.neighbours?.posts.length} and ${before}`,
  );
});

test("it learns from what is new alone, and of that the towers have seen nothing when the ranker learns from it", () => {
  const { model, examples } = second;
  assert.equal(model.newInteractions, first.since);
  // no person is more than a twelfth of them
  const ofEach = Map.groupBy(examples.requests, ({ user }) => user);
  assert.ok(examples.requests.length > 0.9 * first.since && examples.requests.length <= first.since);
  for (const { length } of ofEach.values()) assert.ok(length <= first.since / 12, `${length} of ${first.since}`);
  assert.ok(examples.requests.every(({ at }) => at >= first.until));
  const { towers, data } = first.model.towers;
  const histories = new Histories(loaded.community, Infinity);
  const moments = examples.requests.map((request) => {
    assert.ok("post" in request);
    return { user: request.user, history: histories.latest(request.user, request.at, request.post) };
  });
  assert.deepEqual(examples.users, embedUsersAt(towers, data, moments, first.model.postVectors));
});

test("afterwards towers, ranker and calibration have moved, who and what is new has an ID embedding, and what is old keeps its own", () => {
  const { model } = second;
  const [was, is] = [first.model, model].map(({ towers, dlrm }) => ({ ...towers.towers, dlrm }));
  assert.notDeepEqual(is.tokens.weights.values, was.tokens.weights.values);
  assert.notDeepEqual(is.dlrm.dense.matrices(), was.dlrm.dense.matrices());
  assert.notDeepEqual(is.dlrm.calibration.shift, was.dlrm.calibration.shift);
  assert.deepEqual(is.dlrm.calibration.scale, was.dlrm.calibration.scale);
  assert.deepEqual(is.dlrm.mean, was.dlrm.mean);
  const { posts } = loaded.community;
  const lengthOf = (values: Float32Array, row: number) => Math.hypot(...values.subarray(row * 32, (row + 1) * 32));
  const [before, after] = [was, is].map((towers) => towers.postIdEmbeddings.weights.values);
  const fresh = [...posts.ids.keys()].filter((post) => posts.createdAt[post] >= first.until);
  assert.ok(fresh.length > 5);
  assert.ok(fresh.every((post) => lengthOf(before, post) === 0));
  assert.ok(fresh.some((post) => lengthOf(after, post) > 0));
  // of less than a day little was learned before
  const old = [...posts.ids.keys()].filter(
    (post) => first.until - posts.createdAt[post] > 24 * hour && lengthOf(before, post) > 0.01,
  );
  assert.ok(old.length > 100);
  for (const post of old)
    assert.ok(
      lengthOf(
        Float32Array.from(after, (value, i) => value - before[i]),
        post,
      ) < lengthOf(before, post),
      `${post}`,
    );
});

test("where more is new than the ranker takes, it learns from the latest, and the towers first from what was before", async () => {
  const config = { ...defaultConfig, ranker: { ...defaultConfig.ranker, maximumRequests: 20 } };
  let examples = new RankingExamples([], 1);
  const onExamples = (given: RankingExamples) => {
    examples = given;
  };
  const model = await trainModel(loaded, { ...options, from: earlier(), config, onExamples });
  assert.equal(examples.requests.length, 20);
  assert.equal(model.newInteractions, first.since);
  assert.equal(model.towers.losses.length, 2, "before the ranker, and after it");
  const { towers, data } = first.model.towers;
  const histories = new Histories(loaded.community, Infinity);
  const moments = examples.requests.map((request) => {
    assert.ok("post" in request);
    return { user: request.user, history: histories.latest(request.user, request.at, request.post) };
  });
  assert.notDeepEqual(examples.users, embedUsersAt(towers, data, moments, first.model.postVectors));
});

test("the same again gives the same", async () => {
  const again = await trainModel(loaded, { ...options, from: earlier() });
  assert.deepEqual(dlrmGraph(again.dlrm), dlrmGraph(second.model.dlrm));
  assert.deepEqual(again.postVectors, second.model.postVectors);
});

test("where nothing is new there is nothing to go on with", async () => {
  await assert.rejects(trainModel(loaded, { ...options, from: earlier({ learnedUntil: Infinity }) }), {
    name: "UserError",
    message: "nothing is new since the model to go on from",
  });
});

test("the towers that the gate asks have not learned from what is new", () => {
  const { model } = second;
  const { towers } = first.model.towers;
  assert.equal(model.heldBack.from, first.until);
  assert.deepEqual(model.heldBack.graphs.post_tower, postTowerGraph(towers));
  assert.notDeepEqual(postTowerGraph(model.towers.towers), postTowerGraph(towers));
});

test("too few first interactions are an error with the cure", async () => {
  await assert.rejects(trainModel(loaded, { ...options, until: loaded.timeline.at[50] }), {
    name: "UserError",
    message: /^\d+ first interactions are too few to train on: 100 are needed$/,
  });
});
