/** What the worker asks the database before it embeds: the model, some jobs, and the texts behind them. */

import type { Statement } from "../database/database.ts";
import { listOf, textOf } from "../database/nulls.ts";
import type { PostText } from "../features/tokens.ts";
import type { UserTextRow } from "../towers/user-input.ts";

/** The active model; no row where nothing is to be done: no model, or no job that is due. */
export function readWork(): Statement<{ id: string; name: string; feature_spec_digest: string }> {
  return {
    text: `select model_id::text as id, name, feature_spec_digest from recsys.models
      where status = 'active' and recsys.has_due_embedding_jobs()`,
    values: [],
  };
}

export interface Job {
  kind: "post" | "user";
  entity_id: string;
  claim: string;
}

export function claimJobs(limit: number, lease: string): Statement<Job> {
  return {
    text: "select kind, entity_id, claim::text from recsys.claim_embedding_jobs($1::integer, $2::interval)",
    values: [limit, lease],
  };
}

export interface PostToEmbed extends PostText {
  id: string;
  id_embedding: string | null;
}

/** Posts as the post tower reads them; those that are gone are not among the rows. */
export function readPosts(modelId: string, ids: string[]): Statement<PostToEmbed> {
  return {
    text: `select posts.post_id as id, posts.author_id, ${textOf("posts.title")} as title, ${textOf("posts.description")} as description,
        ${listOf("posts.tags")} as tags,
        post_embeddings.id_embedding::text as id_embedding
      from recsys.source_posts as posts
      left join recsys.post_embeddings on post_embeddings.model_id = $1::bigint and post_embeddings.post_id = posts.post_id
      where posts.post_id = any($2::uuid[])`,
    values: [modelId, ids],
  };
}

export interface UserToEmbed extends UserTextRow {
  id: string;
}

/** Users as the user tower reads them, with their history as of now. */
export function readUsers(modelId: string, ids: string[]): Statement<UserToEmbed> {
  return {
    text: `select users.user_id as id, ${listOf("users.passions")} as passions, ${listOf("users.projects")} as projects, ${textOf("users.bio")} as bio,
        user_embeddings.id_embedding::text as id_embedding,
        array(
          select post_embeddings.embedding
          from recsys.user_history(users.user_id, recsys.clock()) as latest
          join recsys.post_embeddings on post_embeddings.model_id = $1::bigint and post_embeddings.post_id = latest.post_id
          order by latest.at desc, latest.sort_id desc
        )::text as history
      from recsys.source_users as users
      left join recsys.user_embeddings on user_embeddings.model_id = $1::bigint and user_embeddings.user_id = users.user_id
      where users.user_id = any($2::uuid[])`,
    values: [modelId, ids],
  };
}
