/** Kinds that weigh more come first where it can be told what people will do; where all weigh the same, nothing is other than it was. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { importBundle } from "../db/import/import-bundle.ts";
import { eitherDatabase } from "../db/testing.ts";
import type { TrainedModel } from "./artifacts/model-folder/trained-model.ts";
import { dlrmGraph } from "./artifacts/onnx/dlrm.ts";
import { postTowerGraph, userTowerGraph } from "./artifacts/onnx/towers.ts";
import { communityFromDatabase, type LoadedCommunity } from "./data/replay/from-database.ts";
import { dayLength } from "./data/synthetic/calendar.ts";
import { sells, weighPurchases } from "./data/synthetic/purchases.ts";
import { writeSyntheticCommunity } from "./data/synthetic/write-synthetic-community.ts";
import { replayedModel } from "./evaluation/system/replayed-system.ts";
import { postsByScore } from "./evaluation/weighted-gains.ts";
import { startBackend } from "./models/nn/backend.ts";
import { requestsBetween } from "./models/ranker/requests.ts";
import { type PipelineOptions, trainModel } from "./pipeline.ts";
import { type RankedRequest, rankedRequests } from "./release/gate/ranked-requests.ts";

const scoreWeights = [0.2, 1, 1];
let loaded: LoadedCommunity;
let until: number;
let options: PipelineOptions;
let model: TrainedModel;

before(async () => {
  await startBackend();
  const database = await eitherDatabase({ after }, "weights");
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  await writeSyntheticCommunity(folder, { seed: 1, users: 300, posts: 500, days: 30 });
  await importBundle(database, folder);
  await rm(folder, { recursive: true });
  await database.pool.query("select recsys.roll_up(null)");
  loaded = { ...(await communityFromDatabase(database)), pages: [] };
  until = loaded.timeline.at[loaded.timeline.length - 1] - 4 * dayLength;
  weighPurchases(loaded, 1);
  options = { seed: 1, until, scoreWeights };
  model = await trainModel(loaded, options);
});

const graphs = ({ towers: { towers }, dlrm }: TrainedModel) => [
  userTowerGraph(towers),
  postTowerGraph(towers),
  dlrmGraph({ ...dlrm, boost: undefined }),
];

test("what will be bought comes first: of what people will do, the first ten hold more of what weighs more", async (t) => {
  assert.ok(model.dlrm.boost);
  const requests = requestsBetween(loaded.community, loaded.timeline, until, Number.POSITIVE_INFINITY);
  const [view, vote, comment] = scoreWeights;
  const watched = { weights: { view, vote, comment }, onProgress() {} };
  // what some hundred requests gain is too little to say what weights are worth; npm run bench -- kinds does
  const replayed = { model: await replayedModel(model, loaded.community) };
  const soldInFirstTen = (ranked: RankedRequest) =>
    postsByScore(ranked, scoreWeights)
      .slice(0, 10)
      .filter((post) => sells(loaded.community.posts.tags[post])).length / requests.length;
  let [withWeights, without] = [0, 0];
  for await (const [, { model: ranked }] of rankedRequests(loaded, requests, replayed, watched)) {
    withWeights += soldInFirstTen(ranked);
    without += soldInFirstTen({ ...ranked, boost: undefined });
  }
  t.diagnostic(`${withWeights.toFixed(2)} of ten are sold, ${without.toFixed(2)} without weights`);
  assert.ok(withWeights > 1.05 * without, `${withWeights} and ${without}`);
});

test("without weights towers and heads are to the bit what they are with them, and there is no boost", async () => {
  loaded.timeline.weights.fill(1);
  const unweighted = await trainModel(loaded, options);
  assert.equal(unweighted.dlrm.boost, undefined);
  assert.deepEqual(graphs(unweighted), graphs(model));
});
