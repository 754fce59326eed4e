/** The second model of an experiment that interleaves two: it may fail without any loss to the first model's feed. */
import { type Connection, type Query, run } from "../../database/database.ts";
import { db, fn } from "../../database/query.ts";
import { parseVector, parseVectors } from "../../database/vectors.ts";
import type { UserInput } from "../../features/tower-inputs.ts";
import type { ServingModel } from "../../models/models.ts";
import type { ContextRow } from "../../recommend/context/read-context.ts";
import type { PostCandidate } from "../../recommend/context/user-state.ts";
import type { FeedServices, RankingInputs } from "../../recommend/pipeline/types.ts";
import { readHistoryComponents } from "../../recommend/post-cache/post-cache.ts";
import type { Page } from "../../recommend/request/cursor.ts";
import type { Reader } from "../../recommend/request/reader.ts";
import { embedUser } from "../../towers/embed-users.ts";
import { secondCandidates } from "./second-candidates.ts";

/** What the second model's ranking is made of. */
export interface SecondModelInputs {
  ranker: ServingModel<"dlrm">;
  /** The context, with the history in the vectors of this model. */
  context: ContextRow;
  input: UserInput;
  /** The user's, [32]. */
  vector: Float32Array;
  posts: PostCandidate[];
}

/** The second model cannot take part: the first one makes the feed alone, and neither wins. */
export class SecondModelError extends Error {
  constructor(context: ContextRow, what: string, cause?: unknown) {
    const { second_model_id, variant } = assigned(context);
    const served = `model ${context.model_name} serves alone`;
    super(`model ${second_model_id} of the experiment in ${variant} ${what}: ${served}`, { cause });
  }
}

/** The model that drafts the feed together with the one that serves; null: none does. */
export function secondModelId(context: ContextRow): number | null {
  const { second_model_id } = assigned(context);
  return second_model_id ?? null;
}

/** Of a row of recsys_engine.assignment; empty: the user is in no experiment. */
function assigned(context: ContextRow): { variant?: string; second_model_id?: number | null } {
  return context.assigned ?? {};
}

/** Looks up what the second model of a feed needs. Throws SecondModelError. */
export async function secondModel(
  connection: Connection,
  { models, commonPosts }: FeedServices,
  { caller }: Reader,
  { context, input, posts }: RankingInputs,
  id: number,
  page: Page,
): Promise<SecondModelInputs> {
  const [second] = await run(connection, readSecond(caller.sub ?? null, id, context)).catch((error) => {
    throw new SecondModelError(context, "cannot serve", error);
  });
  if (!second) throw new SecondModelError(context, "does not serve any more");
  const { name, feature_spec_digest: featureSpecDigest, ...user } = second;
  try {
    const model = await models({ id, name, featureSpecDigest }, connection, ["user_tower", "dlrm"]);
    const own: UserInput = {
      ...input,
      id_embedding: user.id_embedding === null ? null : parseVector(user.id_embedding),
      history: parseVectors(user.history),
      followed: user.followed === null ? null : parseVector(user.followed),
      vector: user.components ? parseVector(user.components) : null,
    };
    const vector = await embedUser(model, own);
    const ownContext: ContextRow = { ...context, ...user, model_id: id };
    const known = (ids: string[]) => commonPosts.known.of(connection, caller.role, id, context.feature_store, ids);
    ownContext.own_history = await readHistoryComponents(model, user.history_posts, known);
    const found = await secondCandidates(connection, commonPosts, caller, ownContext, vector, page, posts);
    return { ranker: model, context: ownContext, input: own, vector, posts: found };
  } catch (error) {
    throw new SecondModelError(context, "cannot serve", error);
  }
}

/** The model, and what differs in it of what the context says of the user. */
interface SecondRow extends Pick<ContextRow, "id_embedding" | "history" | "history_posts" | "followed" | "components"> {
  name: string;
  feature_spec_digest: string;
}

/** No row: the model cannot serve. */
function readSecond(userId: string | null, modelId: number, { now, history_posts }: ContextRow): Query<SecondRow> {
  return db
    .selectFrom("recsys.models as models")
    .crossJoinLateral(({ ref }) =>
      fn("recsys_engine.user_model_inputs", {
        p_user_id: userId,
        p_model_id: ref("models.model_id"),
        p_now: now,
        p_history_posts: history_posts,
      }).as("vectors"),
    )
    .selectAll("vectors")
    .select(["models.name", "models.feature_spec_digest"])
    .where("models.model_id", "=", modelId)
    .where("models.status", "in", ["ready", "active", "retired"]);
}
