/** The stage that says how much each candidate is worth to the user: the ranker's probabilities, or the community's measure without a model. */
import { type Head, type HeadWeights, weightsOf } from "../../features/kinds.ts";
import { pairFeatures, type UserState } from "../../features/ranker-features.ts";
import type { Feeds, Tensor } from "../../features/tensors.ts";
import type { ServingModel } from "../../models/models.ts";
import type { PostCandidate } from "../context/user-state.ts";
import { finiteRankerInputs, type UnrankablePost } from "../filters/unrankable.ts";
import type { Predictions } from "../request/feed-schema.ts";
import { communityScore, communityValue } from "./community-score.ts";
import { combineHeads, isFiniteRow, loggedFeatures, runRanker } from "./run-ranker.ts";

/** Pair features that are log(1 + rank). */
export type RankFeature = "log_history_rank" | "log_text_match_rank";

/** A candidate and what it is worth. */
export interface ScoredPost {
  post: PostCandidate;
  score: number;
  /** null: no model ranked; no more is known then. */
  predictions: Predictions | null;
  /** The ranker inputs of it. */
  features(): number[] | null;
  /** Where it stands among the candidates by a measure that the ranker was told of, from 1. */
  rankBy(measure: RankFeature): number | null;
}

/** What a ranker said of the candidates, and its inputs for them. */
interface Ranking {
  heads: readonly Head[];
  probabilities: Float32Array;
  feeds: Feeds;
}

/** Looks up what is asked of it, which is little but for the page: told in advance of 550 candidates it was 170 KB of a feed's 3,300 of garbage. */
class RankedPost implements ScoredPost {
  readonly post: PostCandidate;
  readonly score: number;
  private readonly ranking: Ranking;
  private readonly i: number;

  constructor(post: PostCandidate, score: number, ranking: Ranking, i: number) {
    this.post = post;
    this.score = score;
    this.ranking = ranking;
    this.i = i;
  }

  get predictions(): Predictions {
    return predictionsOf(this.ranking.heads, this.ranking.probabilities, this.i);
  }

  features(): number[] {
    return loggedFeatures(this.ranking.feeds, this.i);
  }

  rankBy(measure: RankFeature): number {
    return rankOf(this.ranking.feeds.pair_features, this.i, measure);
  }
}

/** The weighted sum of the ranker's probabilities, times the worth and what the reader wants of its topics. `leftOut` takes the posts that cannot be ranked. */
export async function scoreWithModel(
  model: ServingModel<"dlrm">,
  user: UserState,
  vector: Float32Array,
  posts: PostCandidate[],
  { now, weights }: ScoringRequest,
  leftOut: UnrankablePost[],
): Promise<ScoredPost[]> {
  const { posts: finite, feeds } = finiteRankerInputs(model, user, vector, posts, now, leftOut);
  if (finite.length === 0) return [];
  const opinion = await runRanker(model, feeds, finite.length);
  const { probabilities } = opinion;
  const { heads } = model;
  const weightOf = weightsOf(heads, weights);
  const ranking = { heads, probabilities, feeds };
  const scored: ScoredPost[] = [];
  for (let i = 0; i < finite.length; i++) {
    const score = finite[i].leaning * combineHeads(opinion, i, weightOf);
    if (isFiniteRow(probabilities, i, heads.length) && Number.isFinite(score))
      scored.push(new RankedPost(finite[i], score, ranking, i));
    else leftOut.push({ post_id: finite[i].post_id, what: "score", value: score });
  }
  return scored;
}

/** The probabilities of candidate `i` by their heads. */
function predictionsOf(heads: readonly Head[], probabilities: Float32Array, i: number): Predictions {
  const at = heads.length * i;
  const predictions: Predictions = {
    view: probabilities[at],
    vote: probabilities[at + 1],
    comment: probabilities[at + 2],
  };
  for (let head = 3; head < heads.length; head++) predictions[heads[head]] = probabilities[at + head];
  return predictions;
}

/** The instant in milliseconds, and the weights of the heads. */
export interface ScoringRequest {
  now: number;
  weights: HeadWeights;
}

/** What nothing more is known of. */
export const unscored = { predictions: null, features: () => null, rankBy: () => null };

/** The measure of the community feed. `leftOut` takes the posts for which it is no finite number. */
export function scoreByCommunity(posts: PostCandidate[], now: number, leftOut: UnrankablePost[]): ScoredPost[] {
  return posts.flatMap((post) => {
    const value = communityValue(post.created_at, post.state, now);
    if (Number.isFinite(value)) return [{ post, score: post.leaning * communityScore(value), ...unscored }];
    leftOut.push({ post_id: post.post_id, what: "recency or popularity", value });
    return [];
  });
}

function rankOf({ data, dims }: Tensor, i: number, measure: RankFeature): number {
  return Math.round(Math.expm1(Number(data[i * dims[1] + pairFeatures.indexOf(measure)])));
}
