/** Queries before embedding: the model, jobs, and their posts and users. */

import { sql } from "kysely";
import { call, type FunctionRow, type Query, type Statement } from "../database/database.ts";
import { anyOf, db, fn, listOf, textOf } from "../database/query.ts";
import type { PostText } from "../features/tokens.ts";
import type { UserTextRow } from "../towers/user-input.ts";

/** The basis by which a model reads the posts' own vectors; null if it reads none. */
export const basisOfModel = sql<string | null>`feature_spec #>> '{vectors,basis}'`;

/** The bases by which the serving models read the users' own vectors. */
const basesOfUsers = sql<
  string[]
>`array(select distinct serving.feature_spec #>> '{vectors,basis}' from recsys.models as serving
  where (serving.feature_spec #> '{vectors,users}')::boolean
    and (serving.status = 'active' or serving.model_id in (select tried.model_id from recsys_engine.models_under_test as tried)))`;

/** Whether a model reads the users' own vectors. */
export const readsUsers = sql<boolean>`coalesce((feature_spec #> '{vectors,users}')::boolean, false)`;

/** The encoder of posts; null if none is set. */
const encoderOfSettings = sql<string | null>`(select text_encoder from recsys.settings)`;

/** The active model; no row if there is no model or no due job. */
export function readWork() {
  return db
    .selectFrom("recsys.models")
    .select([
      "model_id as id",
      "name",
      "feature_spec_digest",
      basisOfModel.as("basis"),
      readsUsers.as("reads_users"),
      basesOfUsers.as("user_bases"),
      encoderOfSettings.as("encoder"),
    ])
    .where("status", "=", "active")
    .where(sql<boolean>`${fn("recsys_engine.has_due_embedding_jobs", {})}`);
}

export type Job = Omit<FunctionRow<"recsys_engine.claim_embedding_jobs">, "kind"> & { kind: "post" | "user" };

export function claimJobs(limit: number, lease: string): Statement<Job> {
  return call("recsys_engine.claim_embedding_jobs", { p_limit: limit, p_lease: lease }) as Statement<Job>;
}

export interface PostToEmbed extends PostText {
  id: string;
  id_embedding: string | null;
}

/** Posts with the post tower's input; deleted ones are left out. */
export function readPosts(modelId: number, ids: string[]): Query<PostToEmbed> {
  return db
    .selectFrom("recsys.source_posts as posts")
    .leftJoin("recsys.post_embeddings as own", (join) =>
      join.onRef("own.post_id", "=", "posts.post_id").on("own.model_id", "=", modelId),
    )
    .select(({ ref }) => [
      "posts.post_id as id",
      "posts.author_id",
      textOf(ref("posts.title")).as("title"),
      textOf(ref("posts.description")).as("description"),
      listOf(ref("posts.tags")).as("tags"),
      "own.id_embedding",
    ])
    .where("posts.post_id", "=", anyOf(ids));
}

export interface UserToEmbed extends UserTextRow {
  id: string;
}

/** Users with the user tower's input, with their history as of now. */
export function readUsers(modelId: number, ids: string[]): Query<UserToEmbed> {
  return db
    .selectFrom("recsys.source_users as users")
    .leftJoin("recsys.user_embeddings as own", (join) =>
      join.onRef("own.user_id", "=", "users.user_id").on("own.model_id", "=", modelId),
    )
    .select(({ ref, selectFrom }) => [
      "users.user_id as id",
      listOf(ref("users.passions")).as("passions"),
      listOf(ref("users.projects")).as("projects"),
      textOf(ref("users.bio")).as("bio"),
      "own.id_embedding",
      sql<string>`array(${selectFrom(
        fn("recsys_engine.user_history", { p_user_id: ref("users.user_id"), p_now: fn("recsys.clock", {}) }).as(
          "latest",
        ),
      )
        .innerJoin("recsys.post_embeddings as vectors", "vectors.post_id", "latest.post_id")
        .select("vectors.embedding")
        .where("vectors.model_id", "=", modelId)
        .orderBy("latest.at", "desc")
        .orderBy("latest.sort_id", "desc")})::text`.as("history"),
    ])
    .where("users.user_id", "=", anyOf(ids))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("recsys_engine.personalization_opt_outs as none").whereRef("none.user_id", "=", "users.user_id"),
        ),
      ),
    );
}
