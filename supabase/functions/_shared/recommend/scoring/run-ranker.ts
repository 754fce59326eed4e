/**
 * The ranker at work: how likely a user is to view, vote for and comment on each candidate; of some models also how likely to dismiss it, or to view
 * it for long. Serving and evaluation both rank here.
 */
import type { Candidate, RowOf, UserState } from "../../features/ranker-features.ts";
import { rankerInputs } from "../../features/ranker-inputs.ts";
import type { Feeds, Tensor } from "../../features/tensors.ts";
import { modelCorruptError, type ServingModel } from "../../models/models.ts";
import { numbersOf, runGraph, type WithGraph } from "../../models/run-graph.ts";

/** The graphs that rank, and the names of the columns of what they say. */
export type RankingModel = WithGraph<"user_tower"> & Ranker;
type Ranker = WithGraph<"dlrm"> & Pick<ServingModel<"dlrm">, "heads">;

/** What the ranker says of N candidates. */
export interface RankerOutput {
  /** [N, heads]: that the user views, votes for and comments on the post, and what else the model predicts. */
  probabilities: Float32Array;
  /** [N] How heavy the kinds of what they would do with it are, compared with other posts; left out: to the model all kinds weigh the same. */
  boost?: Float32Array | undefined;
}

/** What the ranker says of N candidates, and its inputs. */
export interface RankerPrediction extends RankerOutput {
  feeds: Feeds;
}

/** Asks the ranker about N ≥ 1 candidates; `rowOf` as in `rankerFeatures`. */
export async function predictCandidates(
  model: RankingModel,
  user: UserState,
  vector: Float32Array,
  candidates: Candidate[],
  now: number,
  rowOf?: RowOf,
): Promise<RankerPrediction> {
  const { inputNames } = model.graphs.dlrm;
  const feeds = rankerInputs(user, vector, candidates, now, { inputNames, rowOf });
  return { ...(await runRanker(model, feeds, candidates.length)), feeds };
}

/** What the ranker says of N ≥ 1 candidates. A row that is not finite is the caller's to leave out; where none is, it throws. */
export async function runRanker(model: Ranker, feeds: Feeds, n: number): Promise<RankerOutput> {
  const heads = model.heads.length;
  const outputs = await runGraph(model, "dlrm", feeds);
  const probabilities = numbersOf(model, "dlrm", outputs.probabilities, n * heads);
  const boost = outputs.boost && numbersOf(model, "dlrm", outputs.boost, n);
  for (let i = 0; i < n; i++) if (isFiniteRow(probabilities, i, heads)) return { probabilities, boost };
  throw modelCorruptError(model, "dlrm", "does not give finite numbers");
}

/** Whether all `heads` probabilities of candidate `i` are finite. */
export function isFiniteRow(probabilities: Float32Array, i: number, heads: number): boolean {
  // their sum is finite when they are
  let sum = 0;
  for (let head = 0; head < heads; head++) sum += probabilities[heads * i + head];
  return Number.isFinite(sum);
}

/**
 * The score of candidate `i`, with the weights of the model's heads: gain · exp(−loss / gain), with gain = Σ weights for the post and loss =
 * Σ weights against it. It is gain − loss where the loss is small and never negative, since pages use the logarithms of scores.
 */
export function combineHeads({ probabilities, boost }: RankerOutput, i: number, weights: readonly number[]): number {
  const heads = weights.length;
  let [gain, loss] = [0, 0];
  for (let head = 0; head < heads; head++) {
    const part = weights[head] * probabilities[heads * i + head];
    if (part < 0) loss -= part;
    else gain += part;
  }
  if (boost) gain *= boost[i];
  // below e^−30 of it a score is as good as none, and the log has 32 bits for it
  return loss > 0 && gain > 0 ? gain * Math.exp(-Math.min(30, loss / gain)) : gain;
}

/** The ranker inputs of candidate `i`: the features of user, post and pair, then the categories, in the order of the spec. */
export function loggedFeatures(feeds: Feeds, i: number): number[] {
  const features: number[] = [];
  addRow(features, feeds.user_features, 0);
  for (const each of [feeds.post_features, feeds.pair_features, feeds.categories]) addRow(features, each, i);
  return features;
}

/** Number by number: as arrays made of slices, those of a page's 20 posts took 0.3 ms. */
function addRow(features: number[], { data, dims }: Tensor, i: number): void {
  for (let at = i * dims[1]; at < (i + 1) * dims[1]; at++) features.push(Number(data[at]));
}
