/**
 * A personal feed, in two round trips to the database:
 *
 *   user_context ──> user tower ──> candidates ──> DLRM ──> weighted sum ──> the best `limit`
 *     (SQL)           (ONNX)          (SQL)       (ONNX)
 *
 * Without an active model the same candidates come in the order of the community feed.
 */
import { readAs } from "../database/caller.ts";
import { type Connection, run } from "../database/database.ts";
import type { Claims } from "../http/auth.ts";
import type { Services } from "../http/edge-function.ts";
import { AppError } from "../http/errors.ts";
import type { ModelCache, ServingModel } from "../models/models.ts";
import { basisOf } from "./basis.ts";
import { communityScore, communityValue } from "./community-feed.ts";
import type { Feed, Predictions } from "./feed.ts";
import { finiteInputs, type LeftOut, leftOutLine } from "./left-out.ts";
import { better } from "./order.ts";
import { embedUser, featuresOf, isFiniteRow, probabilitiesOf, scoreOf } from "./rank.ts";
import { readCandidates } from "./read-candidates.ts";
import { type ContextRow, readContext } from "./read-context.ts";
import { bestSource } from "./source.ts";
import { type PostCandidate, postCandidate, userInput, userState } from "./states.ts";

export interface Recommendation {
  feed: Feed;
  /** The engine's instant for which it holds. */
  shownAt: Date;
  /** What the ranker was told of each item; null where no model ranked. */
  features: (number[] | null)[];
}

/** The feed of the user whose claims these are. Throws AppError; candidates that cannot be ranked are left out and logged. */
export async function recommend(
  { pool, models, log }: Pick<Services, "pool" | "models" | "log">,
  claims: Claims,
  limit: number,
): Promise<Recommendation> {
  const { context, model, ranking } = await readAs(pool, claims, readContext(claims.sub), async (connection, rows) => {
    const [context] = rows;
    if (!context) throw new AppError(503, "not_installed", "recsys.settings is empty: insert its one row");
    if (!context.known) throw new AppError(404, "unknown_user", "this user has no profile yet: create one first");
    const model = await activeModel(models, context, connection);
    return { context, model, ranking: await retrieve(connection, claims.sub, context, model) };
  });
  const leftOut: LeftOut[] = [];
  const ranked = await ranking(leftOut);
  if (leftOut.length > 0) log("candidates_left_out", leftOutLine(leftOut));
  const best = ranked.sort(better).slice(0, limit);
  const feed: Feed = {
    request_id: crypto.randomUUID(),
    model: model && { id: Number(model.id), name: model.name },
    mode: "live",
    made_at: context.now.toISOString(),
    basis: model ? basisOf(context.history !== "{}", context) : "community",
    items: best.map(({ post, score, predictions }, i) => ({
      post_id: post.post_id,
      title: post.title,
      score,
      predictions,
      source: bestSource(post.ranks),
      position: i + 1,
    })),
  };
  return { feed, shownAt: context.now, features: best.map(({ features }) => features?.() ?? null) };
}

interface Ranked {
  post: PostCandidate;
  score: number;
  predictions: Predictions | null;
  features: (() => number[]) | null;
}

/** What a feed needs of a model. */
type FeedModel = ServingModel<"user_tower" | "dlrm">;

async function activeModel(models: ModelCache, row: ContextRow, connection: Connection): Promise<FeedModel | null> {
  if (row.model_id === null) return null;
  const active = { id: row.model_id, name: row.model_name ?? "", featureSpecDigest: row.feature_spec_digest ?? "" };
  return await models(active, connection, ["user_tower", "dlrm"]);
}

/** Reads the candidates; the ranking itself is handed back to be run when the connection is free again. */
async function retrieve(connection: Connection, userId: string, row: ContextRow, model: FeedModel | null) {
  const embedding = model && (await embedUser(model, userInput(row)));
  const rows = await run(connection, readCandidates(userId, model?.id ?? null, embedding));
  const posts = rows.map(postCandidate);
  const now = Number(row.now);
  return async (leftOut: LeftOut[]): Promise<Ranked[]> => {
    if (!model || !embedding) return communityRanking(posts, now, leftOut);
    const { posts: finite, feeds } = finiteInputs(userState(row), embedding, posts, now, leftOut);
    if (finite.length === 0) return [];
    const probabilities = await probabilitiesOf(model, feeds, finite.length);
    const weights = [row.view_weight, row.vote_weight, row.comment_weight];
    return finite.flatMap((post, i) => {
      const [score, predictions] = [scoreOf(probabilities, i, weights), predictionsOf(probabilities, i)];
      if (isFiniteRow(probabilities, i)) return [{ post, score, predictions, features: () => featuresOf(feeds, i) }];
      leftOut.push({ post_id: post.post_id, what: "score", value: score });
      return [];
    });
  };
}

/** The order where no model is active. */
function communityRanking(posts: PostCandidate[], now: number, leftOut: LeftOut[]): Ranked[] {
  return posts.flatMap((post) => {
    const value = communityValue(post, now);
    if (Number.isFinite(value)) return [{ post, score: communityScore(value), predictions: null, features: null }];
    leftOut.push({ post_id: post.post_id, what: "recency or popularity", value });
    return [];
  });
}

function predictionsOf(probabilities: Float32Array, i: number): Predictions {
  return { view: probabilities[3 * i], vote: probabilities[3 * i + 1], comment: probabilities[3 * i + 2] };
}
