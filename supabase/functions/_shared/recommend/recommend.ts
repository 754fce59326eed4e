/**
 * A personal feed, a line of stages:
 *
 *   context ──> user tower ──> sources, filters, states ──> features ──> scores ──> selection ──> reasons ──> after the answer
 *    (SQL)        (ONNX)     (SQL, what is common is kept)                (ONNX)
 *
 * Without an active model, or where its ranker fails, the same candidates come in the order of the community feed. Where the model of an
 * experiment fails, the active one serves.
 */
import { readAs } from "../database/caller.ts";
import type { Connection } from "../database/database.ts";
import type { UserInput } from "../features/tower-inputs.ts";
import type { Services } from "../http/edge-function.ts";
import { AppError, asAppError } from "../http/errors.ts";
import { noSpan, type Span } from "../http/span.ts";
import type { ModelCache, ServingModel } from "../models/models.ts";
import { basisOf } from "./basis.ts";
import { cursorAfter, type Page } from "./cursor.ts";
import type { Feed } from "./feed.ts";
import { ModelGone } from "./known-posts.ts";
import { type LeftOut, leftOutLine } from "./left-out.ts";
import { embedUser } from "./rank.ts";
import { type ContextRow, readContext } from "./read-context.ts";
import type { Reader } from "./reader.ts";
import { retrieve } from "./retrieve.ts";
import { retrieveBeside } from "./retrieve-beside.ts";
import { communityScores, type FeedModel, modelScores, type ScoredPost } from "./scores.ts";
import { select } from "./select/select.ts";
import { bestSource } from "./source.ts";
import { type PostCandidate, userInput, userState } from "./states.ts";
import { reasons } from "./why/reasons.ts";

export interface Recommendation {
  feed: Feed;
  /** The engine's instant for which it holds. */
  shownAt: Date;
  /** What the ranker was told of each item; null where no model ranked. */
  features: (number[] | null)[];
  /** The variants that the user is in, as recsys.impressions.variant; "": in none; null: nobody has looked. */
  variant: string | null;
}

/** What a feed is made with. */
export type FeedServices = Pick<Services, "pool" | "models" | "commonPosts" | "log">;

/** A reader's feed; `timeout` is that of each statement. Throws AppError; candidates that cannot be ranked are left out and logged. */
export async function recommend(
  services: FeedServices,
  reader: Reader,
  page: Page,
  timeout: string,
  span: Span = noSpan,
): Promise<Recommendation> {
  try {
    return await feedBy(services, reader, page, timeout, span, true);
  } catch (error) {
    if (!(error instanceof VariantModelFailed)) throw error;
    services.log("variant_model_failed", error);
    return await feedBy(services, reader, page, timeout, span, false);
  }
}

/** The feed by the model of the user's variant, or by the active one. Throws VariantModelFailed where the first cannot serve. */
async function feedBy(
  services: FeedServices,
  reader: Reader,
  page: Page,
  timeout: string,
  span: Span,
  withVariantModel: boolean,
): Promise<Recommendation> {
  const find = () => candidatesFor(services, reader, page, timeout, span, withVariantModel);
  const found = await find().catch((error) => {
    if (!(error instanceof ModelGone)) throw error;
    // another model serves by now
    return find();
  });
  // the connection is free again
  const { context, active, input, posts } = found;
  const leftOut: LeftOut[] = [];
  const ofScores = span("scores");
  const ranked = await ranking(services, found, leftOut);
  if (context.variant_model_id !== null && context.variant_model_id !== active?.id)
    services.log("variant_model_failed", new VariantModelFailed(context, "does not serve any more"));
  const model = ranked && active;
  const scored = ranked ?? communityScores(posts, Number(context.now), leftOut);
  ofScores();
  if (leftOut.length > 0) services.log("candidates_left_out", leftOutLine(leftOut));
  const left = scored.length;
  const selected = select(scored, page.limit, context, page.served.keys.length);
  const why = reasons(selected, posts, context);
  const feed: Feed = {
    request_id: crypto.randomUUID(),
    model: model && { id: Number(model.id), name: model.name },
    mode: "live",
    degraded: active && !ranked ? "unranked" : null,
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
  return {
    feed,
    shownAt: context.now,
    features: selected.map(({ chosen }) => chosen.features?.() ?? null),
    variant: context.variant ?? "",
  };
}

/** The model of a variant cannot serve: the people of the variant get the active one. */
class VariantModelFailed extends Error {
  constructor({ variant, variant_model_id }: ContextRow, what: string, cause?: unknown) {
    super(`model ${variant_model_id} of the experiment in ${variant} ${what}: the active model serves`, { cause });
  }
}

/** What the ranker says; null where there is none, or where it fails, and that is logged. */
async function ranking(
  { log }: FeedServices,
  { context, active, input, vector, posts }: Found,
  leftOut: LeftOut[],
): Promise<ScoredPost[] | null> {
  if (!active || !vector) return null;
  const now = Number(context.now);
  const weights = [context.view_weight, context.vote_weight, context.comment_weight];
  try {
    if (active.ranker instanceof AppError) throw active.ranker;
    return await modelScores(
      active.ranker,
      userState(context, input.history),
      vector,
      posts,
      { now, weights },
      leftOut,
    );
  } catch (thrown) {
    const error = asAppError(thrown);
    if (isVariantModel(context, active.id)) throw new VariantModelFailed(context, "cannot rank", error);
    log(error.code, error);
    leftOut.length = 0;
    return null;
  }
}

function isVariantModel({ variant_model_id }: ContextRow, modelId: string | null): boolean {
  return variant_model_id !== null && variant_model_id === modelId;
}

function isModelError(error: unknown): boolean {
  return error instanceof AppError && ["model_corrupt", "model_incompatible"].includes(error.code);
}

/** What the database knows: who asks, and the candidates. */
interface Found {
  context: ContextRow;
  /** null: no model is active. */
  active: Active | null;
  input: UserInput;
  /** The user's, [32]; null without a model. */
  vector: Float32Array | null;
  posts: PostCandidate[];
}

/** Everything that takes the database, in one transaction. */
async function candidatesFor(
  { pool, models, commonPosts }: FeedServices,
  { caller, interests }: Reader,
  page: Page,
  timeout: string,
  span: Span,
  withVariantModel: boolean,
): Promise<Found> {
  const userId = caller.sub ?? null;
  const ofContext = span("context");
  const find = async (connection: Connection, [context]: ContextRow[]): Promise<Found> => {
    ofContext();
    if (!context) throw new AppError(503, "not_installed", "recsys.settings is empty: insert its one row");
    if (!context.known) throw new AppError(404, "unknown_user", "this user has no profile yet: create one first");
    const known = userInput(context);
    // first, since the tower reads no more than some words
    const input = { ...known, passions: [...interests, ...known.passions] };
    const { active, vector } = await tower(connection, context, input).catch((error) => {
      if (!isModelError(error) || !isVariantModel(context, context.model_id)) throw error;
      throw new VariantModelFailed(context, "cannot serve", error);
    });
    const posts = await candidates(connection, context, vector);
    return { context, active, input, vector, posts };
  };
  const tower = async (connection: Connection, context: ContextRow, input: UserInput) => {
    const active = await activeModel(models, context, connection);
    const ofTower = span("user_tower");
    const vector = active && (await embedUser(active.tower, input));
    ofTower();
    return { active, vector };
  };
  const candidates = async (connection: Connection, context: ContextRow, vector: Float32Array | null) => {
    const { model_id: modelId, feature_store: featureStore, now } = context;
    if (!page.filter) {
      const ofCommon = span("common");
      const common = await commonPosts.of(connection, caller.role, { modelId, featureStore }, Number(now));
      ofCommon();
      const ofBeside = span("sources");
      // a small community is asked for as a whole: what is written there with an earlier date is in the next feed, too
      const found =
        common.cut.active && (await retrieveBeside(connection, common, caller, modelId, vector, page.served));
      ofBeside();
      if (found) return found;
    }
    const ofAll = span("all_sources");
    const found = await retrieve(connection, userId, modelId, vector, null, page);
    ofAll();
    return found;
  };
  return await readAs(pool, caller, readContext(userId, withVariantModel), find, timeout);
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
