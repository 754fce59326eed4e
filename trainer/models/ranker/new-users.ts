/**
 * The weight of the ranker for a user without actions and follows. Where few users were ever new, a simple list may rank better for them
 * (travel-se's first 1,000 posts, R@20 0.413 against 0.431 of the recency baseline); where tastes do not age, popularity (MovieLens: 0.421).
 */
import { estimate } from "../../evaluation/metrics/statistics.ts";
import { dlrmForward, scoreAt } from "./forward.ts";
import type { Dlrm } from "./model.ts";
import type { RankingExamples } from "./ranking-examples.ts";
import { fitPopularity } from "./wide-prior.ts";

/** 0: the simple list alone; 1: the ranker as it is. */
const strengths = [0, 0.25, 0.5, 0.75, 1];
/** By so many standard errors a choice must rank held-out requests better than the recency baseline alone, else new people get that. */
const surely = 2;

/** Held-out requests that say something about new people. */
export interface NewUserHoldout {
  /** Of people who had not done anything: the truth, and few. */
  requests: Uint32Array;
  examples: RankingExamples;
  /** All of them, shown as if they were of new people: many, but veterans choose with a history that the ranker is not shown. */
  asNew: RankingExamples;
}

/**
 * Sets the list, and how much the ranker's own word counts besides: what surely beats the recency baseline on the requests of new people or, where these
 * are too few to be sure, on all requests shown as theirs; where nothing does on either, new people get that baseline.
 */
export function fitNewUserBlend(
  dlrm: Dlrm,
  { requests, examples, asNew }: NewUserHoldout,
  scoreWeights: number[],
): void {
  const every = Uint32Array.from(asNew.requests.keys());
  const popularity = Math.max(0, fitPopularity(asNew, every, scoreWeights));
  const choices = strengths.map((newUserStrength) => ({ newUserStrength, newUserPopularity: 0 }));
  // at full strength no list counts
  if (popularity > 0)
    for (const newUserStrength of strengths.filter((strength) => strength < 1))
      choices.push({ newUserStrength, newUserPopularity: popularity });
  Object.assign(
    dlrm,
    bestChoice(choices, dlrm, examples, requests, scoreWeights) ??
      bestChoice(choices, dlrm, asNew, every, scoreWeights) ??
      choices[0],
  );
}

type NewUserChoice = Pick<Dlrm, "newUserStrength" | "newUserPopularity">;

/**
 * The choice of least listwise loss among those that surely beat the first both in loss and in the place of the first positive; undefined:
 * none. The loss alone chose 1 on travel-se's first 1,000 posts for two of three seeds, and MRR of cold users fell from 0.255 to 0.240.
 */
function bestChoice(
  choices: NewUserChoice[],
  dlrm: Dlrm,
  examples: RankingExamples,
  of: Uint32Array,
  scoreWeights: number[],
): NewUserChoice | undefined {
  const requests = of.filter((request) => examples.found[request]);
  const measured = choices.map((choice) => measure({ ...dlrm, ...choice }, examples, requests, scoreWeights));
  const gain = (c: number, what: keyof Measured, sign: number) =>
    estimate(Array.from(measured[c][what], (value, i) => sign * (value - measured[0][what][i])));
  let [best, most]: [NewUserChoice | undefined, number] = [undefined, 0];
  for (const [c, choice] of choices.entries()) {
    const [ofLoss, ofRank] = [gain(c, "losses", -1), gain(c, "reciprocalRanks", 1)];
    if (ofLoss.mean <= most || [ofLoss, ofRank].some(({ mean, error }) => !(mean > surely * error))) continue;
    [best, most] = [choice, ofLoss.mean];
  }
  return best;
}

/** Of each request. */
interface Measured {
  /** The listwise loss (see loss.ts). */
  losses: Float64Array;
  /** 1 / rank of the best-ranked positive among the rows; of as many as have its score it is in the middle. */
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
    // where what happened is dated by the month, hundreds of posts are as recent
    let [rank, ties] = [1, -1];
    for (let i = 0; i < rows; i++) {
      if (examples.lossWeights[examples.rowOf(request, i)] === 0) continue;
      if (scores[i] > best) rank++;
      if (scores[i] === best) ties++;
    }
    measured.losses[r] = Math.log(sum) - wanted;
    measured.reciprocalRanks[r] = 1 / (rank + ties / 2);
  }
  return measured;
}
