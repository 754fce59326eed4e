/** The second model of an experiment that interleaves two: it may fail without costing anybody the feed of the first. */

import { type Connection, run, type Statement } from "../../database/database.ts";
import { parseVector, parseVectors } from "../../database/vectors.ts";
import type { UserInput } from "../../features/tower-inputs.ts";
import type { ServingModel } from "../../models/models.ts";
import type { Page } from "../../recommend/cursor.ts";
import type { ContextRow } from "../../recommend/read-context.ts";
import type { Reader } from "../../recommend/reader.ts";
import type { FeedServices, LookedUp } from "../../recommend/seams.ts";
import type { PostCandidate } from "../../recommend/states.ts";
import { embedUser } from "../../towers/embed-users.ts";
import { secondCandidates } from "./second-candidates.ts";

/** What the second model's ranking is made of. */
export interface Second {
  ranker: ServingModel<"dlrm">;
  /** The context, with the history in the vectors of this model. */
  context: ContextRow;
  input: UserInput;
  /** The user's, [32]. */
  vector: Float32Array;
  posts: PostCandidate[];
}

/** The second model cannot take part: the first one makes the feed alone, and it counts for nobody. */
export class SecondModelFailed extends Error {
  constructor({ variant, second_model_id, model_name }: ContextRow, what: string, cause?: unknown) {
    super(`model ${second_model_id} of the experiment in ${variant} ${what}: model ${model_name} serves alone`, {
      cause,
    });
  }
}

/** Looks up what the second model of a feed needs. Throws SecondModelFailed. */
export async function secondModel(
  connection: Connection,
  { models, commonPosts }: FeedServices,
  { caller }: Reader,
  { context, input, posts }: LookedUp,
  page: Page,
): Promise<Second> {
  const { second_model_id: id, second_model_name: name, second_feature_spec_digest: featureSpecDigest } = context;
  if (id === null || name === null || featureSpecDigest === null)
    throw new SecondModelFailed(context, "does not serve any more");
  try {
    const model = await models({ id, name, featureSpecDigest }, connection, ["user_tower", "dlrm"]);
    const [user] = await run(connection, userVectors(caller.sub ?? null, id, context.history_posts));
    const own: UserInput = {
      ...input,
      id_embedding: user.id_embedding === null ? null : parseVector(user.id_embedding),
      history: parseVectors(user.history),
    };
    const vector = await embedUser(model, own);
    const ownContext = { ...context, ...user, model_id: id };
    const found = await secondCandidates(connection, commonPosts, caller, ownContext, vector, page, posts);
    return { ranker: model, context: ownContext, input: own, vector, posts: found };
  } catch (error) {
    throw new SecondModelFailed(context, "cannot serve", error);
  }
}

type UserVectors = Pick<ContextRow, "id_embedding" | "history" | "history_posts">;

function userVectors(userId: string | null, modelId: string, historyPosts: string[]): Statement<UserVectors> {
  return {
    text: "select * from recsys.user_vectors($1::uuid, $2::bigint, $3::uuid[])",
    values: [userId, modelId, historyPosts],
  };
}
