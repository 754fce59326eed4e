/** The two graphs at work: who the user is, and how likely they do what with each candidate. */
import { dimensions } from "../features/history.ts";
import type { UserState } from "../features/ranker-features.ts";
import { rankerInputs } from "../features/ranker-inputs.ts";
import { type UserInput, userTowerInputs } from "../features/tower-inputs.ts";
import type { InferenceSession } from "../models/inference.ts";
import { corrupt, type ServingModel } from "../models/models.ts";
import type { Feeds, Tensor } from "../models/tensors.ts";
import type { PostCandidate } from "./states.ts";

/** Probabilities that the user views, votes for and comments on a post. */
export interface Predictions {
  view: number;
  vote: number;
  comment: number;
}

/** The user's vector [32], unit length. */
export async function embedUser(model: ServingModel, user: UserInput): Promise<Float32Array> {
  return await outputOf(model, "user_tower", model.userTower, userTowerInputs([user]), "embedding", dimensions);
}

/** What the ranker says of a candidate, and what it was told. */
export interface Prediction {
  predictions: Predictions;
  /** The row's features as served: those of user, post and pair, then the categories, in the order of the spec. */
  features(): number[];
}

/** The ranker's word on each of N ≥ 1 candidates. */
export async function predict(
  model: ServingModel,
  user: UserState,
  embedding: Float32Array,
  candidates: PostCandidate[],
  now: number,
): Promise<Prediction[]> {
  const feeds = rankerInputs(user, embedding, candidates, now);
  const p = await outputOf(model, "dlrm", model.dlrm, feeds, "probabilities", candidates.length * 3);
  return candidates.map((_, i) => ({
    predictions: { view: p[3 * i], vote: p[3 * i + 1], comment: p[3 * i + 2] },
    features: () => [
      ...row(feeds.user_features, 0),
      ...row(feeds.post_features, i),
      ...row(feeds.pair_features, i),
      ...row(feeds.categories, i),
    ],
  }));
}

function row({ data, dims }: Tensor, i: number): number[] {
  return Array.from(data.slice(i * dims[1], (i + 1) * dims[1]), Number);
}

async function outputOf(
  model: ServingModel,
  graph: string,
  session: InferenceSession,
  feeds: Feeds,
  name: string,
  size: number,
) {
  const outputs = await session.run(feeds).catch((error) => {
    throw corrupt(model, graph, "fails to run", error);
  });
  const { data } = outputs[name];
  if (!(data instanceof Float32Array) || data.length !== size || !data.every(Number.isFinite))
    throw corrupt(model, graph, `does not give ${size} finite numbers`);
  return data;
}
