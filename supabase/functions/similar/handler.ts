/**
 * `POST /similar {find?, post_id?, limit?}`: posts like one that the caller may read, people like the caller, about how many people a
 * post of the caller's may reach, or whom and what the caller might follow. A post that the caller may not read answers as one that does not exist.
 */

import { call, type Pool, type Statement } from "../_shared/database/database.ts";
import { db } from "../_shared/database/query.ts";
import { type Identity, queryAsService, readAs, service, transactAs } from "../_shared/database/run-as-caller.ts";
import type { Claims } from "../_shared/http/auth.ts";
import { request } from "../_shared/http/caller-request.ts";
import type { UserFunction } from "../_shared/http/edge-function.ts";
import { AppError, unknownUser } from "../_shared/http/errors.ts";
import { parseJson, requestOf } from "../_shared/http/request.ts";
import {
  type GroupsToFollow,
  type PeopleToFollow,
  type PostReach,
  type SimilarPeople,
  type SimilarPosts,
  type SimilarRequest,
  similarRequest,
  type TopicsToFollow,
} from "./api.ts";

export const similarFunction: UserFunction<SimilarRequest, { pool: Pool }> = {
  name: "similar",
  callers: "users",
  maximumBodyBytes: 1024,
  read: { POST: (body) => requestOf(similarRequest, parseJson(body)) },
  async answer({ find, post_id, limit }, { claims }, { pool }): Promise<Answer> {
    if (find === "people_to_follow") return { find, items: await peopleToFollow(pool, claims, limit) };
    if (find === "topics_to_follow") return { find, items: await namesToFollow(pool, claims, limit, "topic") };
    if (find === "groups_to_follow") return { find, items: await namesToFollow(pool, claims, limit, "group") };
    // that a post is needed for all others but people is checked with the request
    if (find === "people") {
      const [row] = await nearPeople(pool, claims, limit);
      if (!row.is_known) throw unknownUser();
      return { find, model: modelOf(row), items: row.items };
    }
    const postId = post_id as string;
    if (find === "posts") {
      const [row] = await readAs(pool, claims, readPostsLike(postId, limit), async (_, rows) => rows);
      if (!row.is_known) throw unknownPost();
      return { find, model: modelOf(row), items: row.items };
    }
    return await readAs(pool, claims, ownPost(claims.sub, postId), async (connection, posts) => {
      if (posts.length === 0) throw unknownPost();
      const [row] = await queryAsService(connection, claims.role, readReach(postId));
      return { find, model: modelOf(row), people: row.people };
    });
  },
};

type Answer = SimilarPosts | SimilarPeople | PostReach | PeopleToFollow | TopicsToFollow | GroupsToFollow;

/** Topics or groups that the caller might follow. */
async function namesToFollow<Kind extends keyof NamesToFollow>(
  pool: Pool,
  claims: Claims,
  limit: number,
  kind: Kind,
): Promise<NamesToFollow[Kind]> {
  const [row] = await readAs(pool, claims, readNamesToFollow(claims.sub, limit, kind), async (_, rows) => rows);
  if (!row.is_known) throw unknownUser();
  return row.items;
}

interface NamesToFollow {
  topic: TopicsToFollow["items"];
  group: GroupsToFollow["items"];
}

/**
 * Whom the caller might follow: what their own role finds and, where that is too little, people like them. Whom they follow is
 * left out of these afterwards: with `find: "people"` they could do that themselves.
 */
async function peopleToFollow(pool: Pool, claims: Claims, limit: number): Promise<PeopleToFollow["items"]> {
  const [row] = await readAs(pool, claims, readPeopleToFollow(claims.sub, limit), async (_, rows) => rows);
  if (!row.is_known) throw unknownUser();
  if (row.items.length === limit) return row.items;
  const known = new Set([...row.follows, ...row.items.map(({ user_id }) => user_id)]);
  const [near] = await nearPeople(pool, claims, 100);
  const alike = near.items.filter(({ user_id }) => !known.has(user_id));
  return [...row.items, ...alike.map(({ user_id }) => ({ user_id, why: { kind: "similar" as const } }))].slice(
    0,
    limit,
  );
}

/**
 * People like the caller, found by the service, which alone may read others' vectors, and counted as the caller's
 * request. The result is kept for a day, but not for an operator, who only looks.
 */
async function nearPeople(pool: Pool, claims: Claims, limit: number) {
  const { sub, preview = false } = claims;
  const caller: Identity = { ...service, sub, preview, [request]: claims[request] };
  const statement = readPeopleNear(claims, limit);
  return await (preview ? readAs : transactAs)(pool, caller, statement, async (_, rows) => rows);
}

function unknownPost(): AppError {
  return new AppError(404, "unknown_post", "there is no such post that the user may ask about");
}

function modelOf({ model_id, model_name }: ByModel): SimilarPosts["model"] {
  return model_id === null ? null : { id: model_id, name: model_name };
}

interface ByModel {
  /** null: no model is active. */
  model_id: number | null;
  model_name: string;
}

/** A row of recsys_engine.similar_posts_for_caller or recsys_engine.similar_people_for_caller. */
interface SimilarRow<Item> extends ByModel {
  /** false: there is nothing of that id for this caller, and nothing else says more. */
  is_known: boolean;
  items: Item[];
}

/** Posts like one; to be asked as the caller. */
function readPostsLike(postId: string, limit: number): Statement<SimilarRow<SimilarPosts["items"][number]>> {
  return call("recsys_engine.similar_posts_for_caller", { p_post_id: postId, p_limit: limit });
}

/** People like the caller; to be asked as the service. */
function readPeopleNear(claims: Claims, limit: number): Statement<SimilarRow<SimilarPeople["items"][number]>> {
  return call("recsys_engine.similar_people_for_caller", { p_claims: JSON.stringify(claims), p_limit: limit });
}

interface ToFollowRow<Items> {
  /** false: the caller may read no row of their own in recsys.source_users. */
  is_known: boolean;
  items: Items;
}

/** Whom the caller might follow, and whom they follow; to be asked as the caller. */
function readPeopleToFollow(
  userId: string,
  limit: number,
): Statement<ToFollowRow<PeopleToFollow["items"]> & { follows: string[] }> {
  return call("recsys_engine.people_to_follow", { p_user_id: userId, p_limit: limit });
}

/** Topics or groups that the caller might follow; to be asked as the caller. */
function readNamesToFollow<Kind extends keyof NamesToFollow>(
  userId: string,
  limit: number,
  kind: Kind,
): Statement<ToFollowRow<NamesToFollow[Kind]>> {
  return call("recsys_engine.topics_to_follow", { p_user_id: userId, p_limit: limit, p_kind: kind });
}

/** A post that the caller wrote and may read; to be asked as the caller. */
function ownPost(userId: string, postId: string) {
  return db
    .selectFrom("recsys.source_posts")
    .select("post_id")
    .where("post_id", "=", postId)
    .where("author_id", "=", userId);
}

/** How many people a post may reach; to be asked as the service. */
function readReach(postId: string): Statement<ByModel & { people: number | null }> {
  return call("recsys_engine.post_reach", { p_post_id: postId });
}
