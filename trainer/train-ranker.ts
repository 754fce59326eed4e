/** The ranker of a training: the network, and what is fitted to it afterwards. */
import type { Head } from "../supabase/functions/_shared/features/kinds.ts";
import type { TrainedRanker } from "./artifacts/model-folder/trained-model.ts";
import { buildRankerExamples, type RankerExampleOptions, type RetrievalModel } from "./build-ranker-examples.ts";
import type { LoadedCommunity } from "./data/replay/from-database.ts";
import { fitBoost } from "./models/ranker/boost.ts";
import { calibrateHeads, expectedPositives, shiftHeads } from "./models/ranker/calibrate-heads.ts";
import { fitNewUserBlend } from "./models/ranker/new-users.ts";
import type { RankerRequest } from "./models/ranker/page-requests.ts";
import { type RankerParts, type RankingExamples, sampledRequests } from "./models/ranker/ranking-examples.ts";
import { trainDlrm } from "./models/ranker/train.ts";
import { trainingFeatures } from "./models/ranker/training-features.ts";
import { defaultConfig } from "./training/config/config.ts";

export interface RankerTraining extends RankerExampleOptions {
  scoreWeights: number[];
  /** Gets the ranker's training examples, some 270 MB that are not kept elsewhere: for models to compare it with. */
  onExamples?: (examples: RankingExamples, parts: RankerParts) => void;
}

/** The options of the network's training. */
export function dlrmOptionsOf(
  requests: RankerRequest[],
  { seed, scoreWeights, config = defaultConfig, from }: RankerTraining,
) {
  const { ranker } = config;
  const further = "shown" in requests[0] ? ranker.furtherPages : ranker.further;
  return { ...ranker, ...(from && further), seed, scoreWeights };
}

/** Trains the ranker on what retrieval would have shown at some requests, and calibrates it. */
export async function trainRanker(
  loaded: LoadedCommunity,
  requests: RankerRequest[],
  heads: readonly Head[],
  retrieving: RetrievalModel,
  options: RankerTraining,
  train = trainDlrm,
): Promise<TrainedRanker> {
  const { scoreWeights, config = defaultConfig, from, onExamples, onProgress, signal } = options;
  const { examples, parts, ofNewUsers } = await buildRankerExamples(loaded, requests, heads, retrieving, options);
  const asNew = await ofNewUsers?.();
  const every = Uint32Array.from(requests.keys());
  const expected = from && expectedPositives(from.dlrm, examples, every);
  const trained = await train(examples, parts, dlrmOptionsOf(requests, options), onProgress, signal, from?.dlrm);
  if (asNew) fitNewUserBlend(trained.dlrm, asNew, scoreWeights);
  if (expected) shiftHeads(trained.dlrm, examples, every, expected, config.ranker.maximumRequests);
  else {
    calibrateHeads(trained.dlrm, examples, parts);
    // a training that goes on keeps it: a change of weights makes it begin from scratch
    fitBoost(trained.dlrm, examples, parts, scoreWeights);
  }
  onExamples?.(examples, parts);
  return {
    dlrm: trained.dlrm,
    dlrmLosses: trained.losses,
    heldOutLosses: trained.heldOutLosses,
    epoch: trained.epoch,
    requests: requests.length,
    sampled: sampledRequests(examples),
    features: trainingFeatures(trained.dlrm, examples, every, scoreWeights),
  };
}
