/**
 * A personal feed, a line of stages:
 *
 *   context ──> user tower ──> sources, filters ──> states ──> features ──> scores ──> selection ──> reasons ──> after the answer
 *    (SQL)        (ONNX)            (SQL)        (SQL, kept)                (ONNX)
 *
 * Without an active model the same candidates come in the order of the community feed.
 */
import { readAs } from "../database/caller.ts";
import type { Connection } from "../database/database.ts";
import type { Claims } from "../http/auth.ts";
import type { Services } from "../http/edge-function.ts";
import { AppError } from "../http/errors.ts";
import { noSpan, type Span } from "../http/span.ts";
import type { ModelCache } from "../models/models.ts";
import { basisOf } from "./basis.ts";
import { cursorAfter, type Page, type Served } from "./cursor.ts";
import type { Feed } from "./feed.ts";
import type { FeedFilter } from "./filter.ts";
import { type LeftOut, leftOutLine } from "./left-out.ts";
import { ModelGone } from "./post-states.ts";
import { embedUser } from "./rank.ts";
import { type ContextRow, readContext } from "./read-context.ts";
import { retrieve } from "./retrieve.ts";
import { communityScores, type FeedModel, modelScores } from "./scores.ts";
import { select } from "./select/select.ts";
import { bestSource } from "./source.ts";
import { userInput, userState } from "./states.ts";
import { reasons } from "./why/reasons.ts";

export interface Recommendation {
  feed: Feed;
  /** The engine's instant for which it holds. */
  shownAt: Date;
  /** What the ranker was told of each item; null where no model ranked. */
  features: (number[] | null)[];
}

/** What a feed is made with. */
export type FeedServices = Pick<Services, "pool" | "models" | "postStates" | "log">;

/** The feed of the user whose claims these are. Throws AppError; candidates that cannot be ranked are left out and logged. */
export async function recommend(
  services: FeedServices,
  claims: Claims,
  page: Page,
  span: Span = noSpan,
  filter?: FeedFilter,
): Promise<Recommendation> {
  const candidates = () => candidatesFor(services, claims, page.served, span, filter);
  const { context, model, input, vector, posts } = await candidates().catch((error) => {
    if (!(error instanceof ModelGone)) throw error;
    // another model serves by now
    return candidates();
  });
  // the connection is free again
  const leftOut: LeftOut[] = [];
  const ofScores = span("scores");
  const now = Number(context.now);
  const weights = [context.view_weight, context.vote_weight, context.comment_weight];
  const scored =
    model && vector
      ? await modelScores(model, userState(context, input.history), vector, posts, { now, weights }, leftOut)
      : communityScores(posts, now, leftOut);
  ofScores();
  if (leftOut.length > 0) services.log("candidates_left_out", leftOutLine(leftOut));
  const left = scored.length;
  const selected = select(scored, page.limit, context, page.served.keys.length);
  const why = reasons(selected, posts, context);
  const feed: Feed = {
    request_id: crypto.randomUUID(),
    model: model && { id: Number(model.id), name: model.name },
    mode: "live",
    made_at: context.now.toISOString(),
    basis: model ? basisOf(input.history.length > 0, input) : "community",
    items: selected.map(({ chosen: { post, score, predictions } }, i) => ({
      post_id: post.post_id,
      title: post.title,
      score,
      predictions,
      source: bestSource(post.ranks),
      why: why[i],
      position: page.served.keys.length + i + 1,
    })),
    next:
      left > selected.length
        ? cursorAfter(
            page.served,
            selected.map(({ chosen }) => chosen.post.served_key),
          )
        : null,
  };
  return { feed, shownAt: context.now, features: selected.map(({ chosen }) => chosen.features?.() ?? null) };
}

/** Everything that takes the database, in one transaction. */
async function candidatesFor(
  { pool, models, postStates }: FeedServices,
  claims: Claims,
  served: Served,
  span: Span,
  filter?: FeedFilter,
) {
  const ofContext = span("context");
  return await readAs(pool, claims, readContext(claims.sub), async (connection, [context]) => {
    ofContext();
    if (!context) throw new AppError(503, "not_installed", "recsys.settings is empty: insert its one row");
    if (!context.known) throw new AppError(404, "unknown_user", "this user has no profile yet: create one first");
    const model = await activeModel(models, context, connection);
    const ofTower = span("user_tower");
    const input = userInput(context);
    const vector = model && (await embedUser(model, input));
    ofTower();
    const version = { modelId: context.model_id, featureStore: context.feature_store, instant: null };
    const posts = await retrieve(connection, postStates, claims.sub, vector, version, served, span, filter);
    return { context, model, input, vector, posts };
  });
}

async function activeModel(models: ModelCache, row: ContextRow, connection: Connection): Promise<FeedModel | null> {
  if (row.model_id === null) return null;
  const active = { id: row.model_id, name: row.model_name ?? "", featureSpecDigest: row.feature_spec_digest ?? "" };
  return await models(active, connection, ["user_tower", "dlrm"]);
}
