/**
 * A personal feed, a line of stages:
 *
 *   context ──> user tower ──> sources, filters ──> states ──> features ──> scores ──> selection ──> after the answer
 *    (SQL)        (ONNX)            (SQL)        (SQL, kept)                (ONNX)
 *
 * Without an active model, or where its ranker fails, the same candidates come in the order of the community feed.
 */
import { readAs } from "../database/caller.ts";
import type { Connection } from "../database/database.ts";
import type { Claims } from "../http/auth.ts";
import type { Services } from "../http/edge-function.ts";
import { AppError, asAppError } from "../http/errors.ts";
import { noSpan, type Span } from "../http/span.ts";
import type { ModelCache, ServingModel } from "../models/models.ts";
import { basisOf } from "./basis.ts";
import type { Feed } from "./feed.ts";
import { type LeftOut, leftOutLine } from "./left-out.ts";
import { ModelGone } from "./post-states.ts";
import { embedUser } from "./rank.ts";
import { type ContextRow, readContext } from "./read-context.ts";
import { retrieve } from "./retrieve.ts";
import { communityScores, type FeedModel, modelScores, type ScoredPost } from "./scores.ts";
import { select } from "./select.ts";
import { bestSource } from "./source.ts";
import { type PostCandidate, userInput } from "./states.ts";

export interface Recommendation {
  feed: Feed;
  /** The engine's instant for which it holds. */
  shownAt: Date;
  /** What the ranker was told of each item; null where no model ranked. */
  features: (number[] | null)[];
}

/** What a feed is made with. */
export type FeedServices = Pick<Services, "pool" | "models" | "postStates" | "log">;

/** The feed of the user whose claims these are; `timeout` is that of each statement. Throws AppError; candidates that cannot be ranked are left out and logged. */
export async function recommend(
  services: FeedServices,
  claims: Claims,
  limit: number,
  timeout: string,
  span: Span = noSpan,
): Promise<Recommendation> {
  const { context, active, vector, posts } = await candidatesFor(services, claims, timeout, span).catch((error) => {
    if (!(error instanceof ModelGone)) throw error;
    // another model serves by now
    return candidatesFor(services, claims, timeout, span);
  });
  // the connection is free again
  const leftOut: LeftOut[] = [];
  const ofScores = span("scores");
  const ranked = active && vector && (await ranking(services, active, context, vector, posts, leftOut));
  const model = ranked && active;
  const scored = ranked ?? communityScores(posts, Number(context.now), leftOut);
  ofScores();
  if (leftOut.length > 0) services.log("candidates_left_out", leftOutLine(leftOut));
  const selected = select(scored, limit);
  const feed: Feed = {
    request_id: crypto.randomUUID(),
    model: model && { id: Number(model.id), name: model.name },
    mode: "live",
    degraded: active && !ranked ? "unranked" : null,
    made_at: context.now.toISOString(),
    basis: model ? basisOf(context.history !== "{}", context) : "community",
    items: selected.map(({ post, score, predictions }, i) => ({
      post_id: post.post_id,
      title: post.title,
      score,
      predictions,
      source: bestSource(post.ranks),
      position: i + 1,
    })),
  };
  return { feed, shownAt: context.now, features: selected.map(({ features }) => features?.() ?? null) };
}

/** What the ranker says; null where it fails, and that is logged. */
async function ranking(
  { log }: FeedServices,
  { ranker }: Active,
  context: ContextRow,
  vector: Float32Array,
  posts: PostCandidate[],
  leftOut: LeftOut[],
): Promise<ScoredPost[] | null> {
  try {
    if (ranker instanceof AppError) throw ranker;
    return await modelScores(ranker, context, vector, posts, leftOut);
  } catch (thrown) {
    const error = asAppError(thrown);
    log(error.code, error);
    leftOut.length = 0;
    return null;
  }
}

/** Everything that takes the database, in one transaction. */
async function candidatesFor({ pool, models, postStates }: FeedServices, claims: Claims, timeout: string, span: Span) {
  const ofContext = span("context");
  return await readAs(
    pool,
    claims,
    readContext(claims.sub),
    async (connection, [context]) => {
      ofContext();
      if (!context) throw new AppError(503, "not_installed", "recsys.settings is empty: insert its one row");
      if (!context.known) throw new AppError(404, "unknown_user", "this user has no profile yet: create one first");
      const active = await activeModel(models, context, connection);
      const ofTower = span("user_tower");
      const vector = active && (await embedUser(active.tower, userInput(context)));
      ofTower();
      const version = { modelId: context.model_id, featureStore: context.feature_store, instant: null };
      return {
        context,
        active,
        vector,
        posts: await retrieve(connection, postStates, claims.sub, vector, version, span),
      };
    },
    timeout,
  );
}

/** The active model, as far as it can be loaded. */
interface Active {
  id: string;
  name: string;
  tower: ServingModel<"user_tower">;
  /** Or why it cannot rank. */
  ranker: FeedModel | AppError;
}

async function activeModel(models: ModelCache, row: ContextRow, connection: Connection): Promise<Active | null> {
  if (row.model_id === null) return null;
  const active = { id: row.model_id, name: row.model_name ?? "", featureSpecDigest: row.feature_spec_digest ?? "" };
  const { id, name } = active;
  try {
    const model = await models(active, connection, ["user_tower", "dlrm"]);
    return { id, name, tower: model, ranker: model };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // where only the ranker is broken, the tower finds all the same; where it is the tower, this throws
    return { id, name, tower: await models(active, connection, ["user_tower"]), ranker: error };
  }
}
