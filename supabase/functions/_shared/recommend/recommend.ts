/**
 * A personal feed, in two round trips to the database:
 *
 *   user_context ──> user tower ──> candidates ──> DLRM ──> weighted sum ──> the best `limit`
 *     (SQL)           (ONNX)          (SQL)       (ONNX)
 *
 * Without an active model the same candidates come in the order of the community feed.
 */
import { readAs } from "../database/caller.ts";
import { type Connection, type Pool, run } from "../database/database.ts";
import type { Source } from "../features/retrieval.ts";
import type { Claims } from "../http/auth.ts";
import { AppError } from "../http/errors.ts";
import type { ModelCache, ServingModel } from "../models/models.ts";
import { type Basis, basisOf } from "./basis.ts";
import { communityScore, communityValue } from "./community-feed.ts";
import { better } from "./order.ts";
import { embedUser, featuresOf, predict, scoreOf } from "./rank.ts";
import { readCandidates } from "./read-candidates.ts";
import { type ContextRow, readContext } from "./read-context.ts";
import { bestSource } from "./source.ts";
import { type PostCandidate, postCandidate, userInput, userState } from "./states.ts";

export interface Feed {
  request_id: string;
  /** The model that ranked; null: none is active. */
  model: { id: number; name: string } | null;
  /** live: ranked for this request. batch: from the list made ahead. */
  mode: "live" | "batch";
  /** The engine's instant for which it was ranked, in ISO 8601. */
  made_at: string;
  basis: Basis;
  items: FeedItem[];
}

export interface FeedItem {
  post_id: string;
  title: string;
  score: number;
  predictions: Predictions | null;
  source: Source;
  /** From 1. */
  position: number;
}

/** Probabilities that the user views, votes for and comments on a post. */
export interface Predictions {
  view: number;
  vote: number;
  comment: number;
}

export interface Recommendation {
  feed: Feed;
  /** The engine's instant for which it holds. */
  shownAt: Date;
  /** What the ranker was told of each item; null where no model ranked. */
  features: (number[] | null)[];
}

/** The feed of the user whose claims these are. Throws AppError. */
export async function recommend(
  { pool, models }: { pool: Pool; models: ModelCache },
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
  const ranked = await ranking();
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
  return async (): Promise<Ranked[]> => {
    if (!model || !embedding)
      return posts.map((post) => ({
        post,
        score: communityScore(communityValue(post, now)),
        predictions: null,
        features: null,
      }));
    if (posts.length === 0) return [];
    const { probabilities, feeds } = await predict(model, userState(row), embedding, posts, now);
    const weights = [row.view_weight, row.vote_weight, row.comment_weight];
    return posts.map((post, i) => ({
      post,
      score: scoreOf(probabilities, i, weights),
      predictions: predictionsOf(probabilities, i),
      features: () => featuresOf(feeds, i),
    }));
  };
}

function predictionsOf(probabilities: Float32Array, i: number): Predictions {
  return { view: probabilities[3 * i], vote: probabilities[3 * i + 1], comment: probabilities[3 * i + 2] };
}
