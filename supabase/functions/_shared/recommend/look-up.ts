/** The stages that ask the database: context, user tower, candidates. */

import { readAs } from "../database/caller.ts";
import type { Connection, Pool } from "../database/database.ts";
import type { UserInput } from "../features/tower-inputs.ts";
import { AppError } from "../http/errors.ts";
import type { Log } from "../http/log.ts";
import type { Span } from "../http/span.ts";
import type { ModelCache } from "../models/models.ts";
import { embedUser } from "../towers/embed-users.ts";
import { userInput } from "../towers/user-input.ts";
import { type Active, activeModel } from "./active-model.ts";
import { candidatesOf } from "./candidates.ts";
import type { CommonPostsCache } from "./common-posts.ts";
import type { Page } from "./cursor.ts";
import { type Second, SecondModelFailed, secondModel } from "./interleave/second-model.ts";
import { type ContextRow, readContext } from "./read-context.ts";
import type { Reader } from "./reader.ts";
import { type Trials, triesPosts } from "./select/exploration.ts";
import type { PostCandidate } from "./states.ts";
import type { TopicsCache } from "./topics.ts";
import type { TrialsCache } from "./trials.ts";
import { isModelError, isVariantModel, VariantModelFailed } from "./variant-model.ts";

/** What a feed is made with. */
export interface FeedServices {
  pool: Pool;
  models: ModelCache;
  commonPosts: CommonPostsCache;
  trials: TrialsCache;
  topics: TopicsCache;
  log: Log;
}

/** What the database knows: who asks, and the candidates. */
export interface Found {
  context: ContextRow;
  /** null: no model is active. */
  active: Active | null;
  input: UserInput;
  /** The user's, [32]; null without a model. */
  vector: Float32Array | null;
  posts: PostCandidate[];
  /** null: one model makes the feed. */
  second: Second | null;
  /** null: nothing is tried. */
  trials: Trials | null;
}

/** Everything that takes the database, in one transaction. Throws AppError, ModelGone, and VariantModelFailed where the model of the user's variant cannot serve. */
export async function lookUp(
  services: FeedServices,
  reader: Reader,
  page: Page,
  timeout: string,
  span: Span,
  withVariantModel: boolean,
): Promise<Found> {
  const { pool, models, commonPosts, log } = services;
  const { caller, interests } = reader;
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
    // what visitors are shown is not counted, so they would try posts for nothing
    const mayTry = caller.sub !== undefined && triesPosts(context);
    const [posts, trials] = await Promise.all([
      candidatesOf(connection, commonPosts, caller, context, vector, page, span),
      mayTry ? services.trials.of(connection, caller.role, context.feature_store, Number(context.now)) : null,
    ]);
    const ofSecond = span("second_model");
    const second = await secondModel(connection, services, reader, { context, input, posts }, page).catch((error) => {
      if (!(error instanceof SecondModelFailed)) throw error;
      log("variant_model_failed", error);
      return null;
    });
    ofSecond();
    return { context, active, input, vector, posts, trials, second };
  };
  const tower = async (connection: Connection, context: ContextRow, input: UserInput) => {
    const active = await activeModel(models, context, connection);
    const ofTower = span("user_tower");
    const vector = active && (await embedUser(active.tower, input));
    ofTower();
    return { active, vector };
  };
  return await readAs(pool, caller, readContext(userId, withVariantModel), find, timeout);
}
