/**
 * `POST /similar {find?, post_id?, limit?}`: posts like one that the caller may read, people like the caller, or the people whom a
 * post of the caller's may interest. A post that the caller may not read answers as one that does not exist.
 */
import { type Identity, readAs, service } from "../_shared/database/caller.ts";
import { call, type Pool, type Statement } from "../_shared/database/database.ts";
import type { Claims } from "../_shared/http/auth.ts";
import type { UserFunction } from "../_shared/http/edge-function.ts";
import { AppError } from "../_shared/http/errors.ts";
import { parseJson, requestOf } from "../_shared/http/request.ts";
import { type SimilarPeople, type SimilarPosts, type SimilarRequest, similarRequest } from "./api.ts";

export const similarFunction: UserFunction<SimilarRequest, { pool: Pool }> = {
  name: "similar",
  callers: "users",
  maximumBodyBytes: 1024,
  read: { POST: (body) => requestOf(similarRequest, parseJson(body)) },
  async answer({ find, post_id, limit }, { claims }, { pool }): Promise<SimilarPosts | SimilarPeople> {
    // that a post is needed for posts is checked with the request
    if (find === "posts") {
      const [row] = await readAs(pool, claims, readPostsLike(post_id as string, limit), async (_, rows) => rows);
      return { find, ...answerOf(row, post_id) };
    }
    const [row] = await readAs(
      pool,
      serviceFor(claims),
      readPeopleNear(claims, post_id ?? null, limit),
      async (_, rows) => rows,
    );
    return { find, ...answerOf(row, post_id) };
  },
};

/** The service at work for somebody: the request counts as theirs. It is the dearest of all, and as the service alone it would be nobody's. */
function serviceFor({ sub, preview = false }: Claims): Identity {
  return { ...service, sub, preview };
}

function answerOf<Item>({ is_known, model_id, model_name, items }: SimilarRow<Item>, postId: string | undefined) {
  if (!is_known)
    throw postId === undefined
      ? new AppError(404, "unknown_user", "this user has no profile yet: create one first")
      : new AppError(404, "unknown_post", "there is no such post that the user may ask about");
  return { model: model_id === null ? null : { id: model_id, name: model_name }, items };
}

/** A row of recsys.posts_like or recsys.people_near. */
interface SimilarRow<Item> {
  /** false: there is nothing of that id for this caller, and nothing below says more. */
  is_known: boolean;
  /** null: no model is active. */
  model_id: number | null;
  model_name: string;
  items: Item[];
}

/** Posts like one; to be asked as the caller. */
function readPostsLike(postId: string, limit: number): Statement<SimilarRow<SimilarPosts["items"][number]>> {
  return call("recsys.posts_like", { p_post_id: postId, p_limit: limit });
}

/** People like the caller, or near a post of theirs; to be asked as the service, which alone may read the vectors of others. */
function readPeopleNear(
  claims: Claims,
  postId: string | null,
  limit: number,
): Statement<SimilarRow<SimilarPeople["items"][number]>> {
  return call("recsys.people_near", { p_claims: JSON.stringify(claims), p_post_id: postId, p_limit: limit });
}
