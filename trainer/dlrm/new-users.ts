/**
 * How much the ranker's own word counts for somebody who has not done anything yet and follows nobody. What it learned, it learned from people who had: in a small
 * community, where few ever were new, it may rank worse for new people than the recency baseline, which needs to know nobody (travel-se's
 * first 1,000 posts, R@20 of cold users .413, the baseline .431).
 */
import { estimate } from "../evaluation/metrics/statistics.ts";
import { dlrmForward, scoreAt } from "./forward.ts";
import type { Dlrm } from "./model.ts";
import type { RankingExamples } from "./ranking-examples.ts";

/** 0: the recency baseline alone; 1: the ranker as it is. */
const strengths = [0, 0.25, 0.5, 0.75, 1];
/** By so many standard errors a strength must rank held-out requests better than the baseline alone, else new people get the baseline. */
const surely = 2;

/** Held-out requests that say something about new people. */
export interface OfNewUsers {
  /** Of people who had not done anything: the truth, and few. */
  requests: Uint32Array;
  examples: RankingExamples;
  /** All of them, shown as if they were of new people: many, but veterans choose with a history that the ranker is not shown. */
  asNew: RankingExamples;
}

/**
 * Sets the strength by which the ranker surely beats the baseline on the requests of new people or, where these are too few to be sure, on all
 * requests shown as theirs; where it does on neither, new people get the baseline.
 */
export function fitNewUserStrength(
  dlrm: Dlrm,
  { requests, examples, asNew }: OfNewUsers,
  scoreWeights: number[],
): void {
  const every = Uint32Array.from(asNew.requests.keys());
  dlrm.newUserStrength =
    bestStrength(dlrm, examples, requests, scoreWeights) || bestStrength(dlrm, asNew, every, scoreWeights);
}

/**
 * The strength with the least listwise loss, of those that surely beat the baseline alone both in the loss and in where the first positive
 * stands; 0: none does. On travel-se's first 1,000 posts the loss alone chose 1 for two of three seeds, and MRR of cold users fell from
 * .255 to .240.
 */
function bestStrength(dlrm: Dlrm, examples: RankingExamples, of: Uint32Array, scoreWeights: number[]): number {
  const requests = of.filter((request) => examples.found[request]);
  const measured = strengths.map((strength) =>
    measure({ ...dlrm, newUserStrength: strength }, examples, requests, scoreWeights),
  );
  const gain = (s: number, what: keyof Measured, sign: number) =>
    estimate(Array.from(measured[s][what], (value, i) => sign * (value - measured[0][what][i])));
  let [best, most] = [0, 0];
  for (const [s, strength] of strengths.entries()) {
    const [ofLoss, ofRank] = [gain(s, "losses", -1), gain(s, "reciprocalRanks", 1)];
    if (ofLoss.mean <= most || [ofLoss, ofRank].some(({ mean, error }) => !(mean > surely * error))) continue;
    [best, most] = [strength, ofLoss.mean];
  }
  return best;
}

/** Of each request. */
interface Measured {
  /** The listwise loss (see loss.ts). */
  losses: Float64Array;
  /** 1 / rank of the best-ranked positive among the rows. */
  reciprocalRanks: Float64Array;
}

function measure(dlrm: Dlrm, examples: RankingExamples, requests: Uint32Array, scoreWeights: number[]): Measured {
  const { rows } = examples;
  const logits = dlrmForward(dlrm, examples, requests);
  const gains = new Float32Array(rows);
  const scores = new Float64Array(rows);
  const measured = { losses: new Float64Array(requests.length), reciprocalRanks: new Float64Array(requests.length) };
  for (const [r, request] of requests.entries()) {
    examples.gains(request, scoreWeights, gains);
    let [sum, wanted, best] = [0, 0, 0];
    for (let i = 0; i < rows; i++) {
      scores[i] = scoreAt(dlrm, logits, r * rows + i, scoreWeights);
      sum += examples.lossWeights[examples.rowOf(request, i)] * scores[i];
      wanted += gains[i] * Math.log(scores[i]);
      if (gains[i] > 0) best = Math.max(best, scores[i]);
    }
    let rank = 1;
    for (let i = 0; i < rows; i++) if (scores[i] > best && examples.lossWeights[examples.rowOf(request, i)] > 0) rank++;
    measured.losses[r] = Math.log(sum) - wanted;
    measured.reciprocalRanks[r] = 1 / rank;
  }
  return measured;
}
