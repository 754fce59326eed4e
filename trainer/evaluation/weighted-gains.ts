/** How much of what people went on to do, by what its kinds weigh, a model puts first. */
import { combineHeads } from "../../supabase/functions/_shared/recommend/scoring/run-ranker.ts";
import type { TrainedModel } from "../artifacts/model-folder/trained-model.ts";
import type { LoadedCommunity } from "../data/replay/from-database.ts";
import type { RankerRequest } from "../models/ranker/page-requests.ts";
import type { LabelledDeeds } from "../models/ranker/requests.ts";
import { type RankedRequest, rankedRequests } from "../release/gate/ranked-requests.ts";
import { replayedModel } from "./system/replayed-system.ts";

const best = 10;

interface WeightedGains {
  /**
   * NDCG@10 over all requests together. The gain of a post is what was done with it by what that counts in the score, times what its kinds weigh; at a
   * place from 1 to 10 it is worth 1 / log2(1 + place) of that.
   */
  weighted: number;
  /** The same where every kind weighs 1. */
  unweighted: number;
  /** The weighted gain of each request, discounted by place: two models on the same requests differ in pairs. */
  each: number[];
}

/** What a model makes of some requests (ascending): of a first interaction it ranks all that it would have retrieved, of a page what was shown. */
export async function weightedGains(
  loaded: LoadedCommunity,
  trained: TrainedModel,
  requests: RankerRequest[],
  scoreWeights: number[],
): Promise<WeightedGains> {
  const model = await replayedModel(trained, loaded.community);
  const [view, vote, comment] = scoreWeights;
  const options = { weights: { view, vote, comment }, onProgress: () => {} };
  const each: number[] = [];
  const sums = { weighted: [0, 0], unweighted: [0, 0] };
  for await (const [request, { model: ranked }] of rankedRequests(loaded, requests, { model }, options)) {
    const order = postsByScore(ranked, scoreWeights);
    const deeds = "shown" in request ? request.shown : [request];
    for (const how of ["weighted", "unweighted"] as const) {
      const gains = new Map(deeds.map((deed) => [deed.post, gainOf(deed, scoreWeights, how === "weighted")]));
      const gained = discounted(order.map((post) => gains.get(post) ?? 0));
      if (how === "weighted") each.push(gained);
      sums[how][0] += gained;
      sums[how][1] += discounted([...gains.values()].sort((a, b) => b - a));
    }
  }
  return { weighted: sums.weighted[0] / sums.weighted[1], unweighted: sums.unweighted[0] / sums.unweighted[1], each };
}

function gainOf({ labels, weights }: LabelledDeeds, scoreWeights: number[], weighted: boolean): number {
  return scoreWeights.reduce((sum, of, kind) => sum + of * labels[kind] * (weighted ? (weights?.[kind] ?? 1) : 1), 0);
}

function discounted(gains: number[]): number {
  return gains.slice(0, best).reduce((sum, gain, i) => sum + gain / Math.log2(2 + i), 0);
}

/** Posts by score, the best first. */
export function postsByScore(ranked: RankedRequest, scoreWeights: number[]): number[] {
  const weights = ranked.heads.map((_, head) => scoreWeights[head] ?? 0);
  const scores = Array.from(ranked.posts, (_, i) => combineHeads(ranked, i, weights));
  return [...scores.keys()].sort((a, b) => scores[b] - scores[a]).map((i) => ranked.posts[i]);
}
