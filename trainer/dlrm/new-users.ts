/**
 * How much the ranker's own word counts for somebody who has not done anything yet. What it learned, it learned from people who had: in a small
 * community, where few ever were new, it may rank worse for new people than the recency baseline, which needs to know nobody (travel-se's
 * first 1,000 posts, R@20 of cold users .413, the baseline .431).
 */
import { estimate } from "../evaluation/metrics/estimate.ts";
import { dlrmForward } from "./forward.ts";
import type { Dlrm } from "./model.ts";
import { heads } from "./network.ts";
import type { RankingExamples } from "./ranking-examples.ts";

/** 0: the recency baseline alone; 1: the ranker as it is. */
const strengths = [0, 0.25, 0.5, 0.75, 1];
/** By so many standard errors a strength must rank held-out requests better than the baseline alone; else new people get the baseline. */
const surely = 2;

/**
 * Sets the strength with the least listwise loss on held-out requests that are shown as those of new users, if that surely beats the baseline
 * alone.
 */
export function fitNewUserStrength(
  dlrm: Dlrm,
  heldOut: RankingExamples,
  postVectors: Float32Array,
  scoreWeights: number[],
): void {
  const requests = Uint32Array.from(heldOut.requests.keys()).filter((request) => heldOut.found[request]);
  const losses = strengths.map((strength) => {
    dlrm.newUserStrength = strength;
    return listwiseLosses(dlrm, heldOut, requests, postVectors, scoreWeights);
  });
  dlrm.newUserStrength = 0;
  let least = 0;
  for (const [s, strength] of strengths.entries()) {
    const { mean, error } = estimate(Array.from(losses[s], (loss, i) => losses[0][i] - loss));
    if (mean <= least || !(mean > surely * error)) continue;
    least = mean;
    dlrm.newUserStrength = strength;
  }
}

/** The listwise loss of each request (see loss.ts). */
function listwiseLosses(
  dlrm: Dlrm,
  examples: RankingExamples,
  requests: Uint32Array,
  postVectors: Float32Array,
  scoreWeights: number[],
): Float64Array {
  const { rows } = examples;
  const logits = dlrmForward(dlrm, examples, requests, postVectors);
  const gains = new Float32Array(rows);
  return Float64Array.from(requests, (request, r) => {
    examples.gains(request, scoreWeights, gains);
    let [sum, wanted] = [0, 0];
    for (let i = 0; i < rows; i++) {
      let score = 0;
      for (let head = 0; head < heads; head++)
        score += scoreWeights[head] / (1 + Math.exp(-logits[(r * rows + i) * heads + head]));
      sum += examples.lossWeights[examples.rowOf(request, i)] * score;
      wanted += gains[i] * Math.log(score);
    }
    return Math.log(sum) - wanted;
  });
}
