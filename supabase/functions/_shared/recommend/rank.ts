/**
 * The two graphs at work: who the user is, and how likely they are to view, vote for and comment on each candidate.
 * Serving and evaluation both rank here.
 */
import { dimensions } from "../features/history.ts";
import { kinds } from "../features/kinds.ts";
import type { Candidate, RowOf, UserState } from "../features/ranker-features.ts";
import { rankerInputs } from "../features/ranker-inputs.ts";
import { type UserInput, userTowerInputs } from "../features/tower-inputs.ts";
import type { GraphName } from "../models/contracts.ts";
import { corrupt, type ServingModel } from "../models/models.ts";
import type { Feeds, Tensor } from "../models/tensors.ts";

/** A model's graph, and the name that errors give the model. */
type WithGraph<Graph extends GraphName> = Pick<ServingModel<Graph>, "name" | "graphs">;

/** The graphs that rank. */
export type RankingModel = WithGraph<"user_tower" | "dlrm">;

/** The user's vector [32], unit length. */
export async function embedUser(model: WithGraph<"user_tower">, user: UserInput): Promise<Float32Array> {
  const vector = await embedUsers(model, [user]);
  if (!vector.every(Number.isFinite)) throw corrupt(model, "user_tower", "does not give finite numbers");
  return vector;
}

/** The vectors of N ≥ 1 users, [N, 32]. One that is not finite is the caller's to leave out. */
export async function embedUsers(model: WithGraph<"user_tower">, users: UserInput[]): Promise<Float32Array> {
  return await outputOf(model, "user_tower", userTowerInputs(users), "embedding", users.length * dimensions);
}

/** What the ranker says of N candidates, and what it was told. */
export interface Prediction {
  /** [N, 3]: that the user views, votes for and comments on the post. */
  probabilities: Float32Array;
  feeds: Feeds;
}

/** Asks the ranker about N ≥ 1 candidates; `rowOf` as in `rankerFeatures`. */
export async function predict(
  model: RankingModel,
  user: UserState,
  vector: Float32Array,
  candidates: Candidate[],
  now: number,
  rowOf?: RowOf,
): Promise<Prediction> {
  const feeds = rankerInputs(user, vector, candidates, now, rowOf);
  return { probabilities: await probabilitiesOf(model, feeds, candidates.length), feeds };
}

/** What the ranker says of N ≥ 1 candidates, [N, 3]. A row that is not finite is the caller's to leave out; where none is, it throws. */
export async function probabilitiesOf(model: WithGraph<"dlrm">, feeds: Feeds, n: number): Promise<Float32Array> {
  const probabilities = await outputOf(model, "dlrm", feeds, "probabilities", n * kinds.length);
  for (let i = 0; i < n; i++) if (isFiniteRow(probabilities, i)) return probabilities;
  throw corrupt(model, "dlrm", "does not give finite numbers");
}

/** Whether all three probabilities of candidate `i` are finite. */
export function isFiniteRow(probabilities: Float32Array, i: number): boolean {
  // their sum is finite when they are
  let sum = 0;
  for (let head = 0; head < kinds.length; head++) sum += probabilities[kinds.length * i + head];
  return Number.isFinite(sum);
}

/** The score of candidate `i`; `weights` are those of view, vote and comment. */
export function scoreOf(probabilities: Float32Array, i: number, weights: readonly number[]): number {
  let score = 0;
  for (let head = 0; head < kinds.length; head++) score += weights[head] * probabilities[kinds.length * i + head];
  return score;
}

/** What the ranker was told of candidate `i`: the features of user, post and pair, then the categories, in the order of the spec. */
export function featuresOf(feeds: Feeds, i: number): number[] {
  return [
    ...row(feeds.user_features, 0),
    ...row(feeds.post_features, i),
    ...row(feeds.pair_features, i),
    ...row(feeds.categories, i),
  ];
}

function row({ data, dims }: Tensor, i: number): number[] {
  return Array.from(data.slice(i * dims[1], (i + 1) * dims[1]), Number);
}

async function outputOf<Graph extends GraphName>(
  model: WithGraph<Graph>,
  graph: Graph,
  feeds: Feeds,
  name: string,
  size: number,
) {
  const outputs = await model.graphs[graph].run(feeds).catch((error) => {
    throw corrupt(model, graph, "fails to run", error);
  });
  const { data } = outputs[name];
  if (!(data instanceof Float32Array) || data.length !== size)
    throw corrupt(model, graph, `does not give ${size} numbers`);
  return data;
}
