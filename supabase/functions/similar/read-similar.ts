import type { Statement } from "../_shared/database/database.ts";
import type { Claims } from "../_shared/http/auth.ts";
import type { SimilarPeople, SimilarPosts } from "./answer.ts";

/** A row of recsys.posts_like or recsys.people_near. */
export interface SimilarRow<Item> {
  /** false: there is nothing of that id for this caller, and nothing below says more. */
  is_known: boolean;
  /** null: no model is active. */
  model_id: string | null;
  model_name: string;
  items: Item[];
}

/** Posts like one; to be asked as the caller. */
export function readPostsLike(postId: string, limit: number): Statement<SimilarRow<SimilarPosts["items"][number]>> {
  return { text: "select * from recsys.posts_like($1::uuid, $2::integer)", values: [postId, limit] };
}

/** People like the caller, or near a post of theirs; to be asked as the service, which alone may read the vectors of others. */
export function readPeopleNear(
  claims: Claims,
  postId: string | null,
  limit: number,
): Statement<SimilarRow<SimilarPeople["items"][number]>> {
  return {
    text: "select * from recsys.people_near($1::jsonb, $2::uuid, $3::integer)",
    values: [JSON.stringify(claims), postId, limit],
  };
}
