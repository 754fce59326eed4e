/**
 * Who may read what, as the app's row level security says under each user's own role. The run sees every post; a post that
 * not everybody may read is ranked only for those who may. What is served is asked once more, when it is served.
 */
import { randomUUID } from "node:crypto";
import type { Database } from "../../db/connect.ts";
import { call, run } from "../../supabase/functions/_shared/database/database.ts";

/** The posts that every signed-in user may read: asked as an unknown user. */
export async function visiblePosts(database: Database): Promise<string[]> {
  const [posts] = (await readable(database, [randomUUID()], null)).values();
  return posts;
}

/** Which of some posts each user may read; those who may read none are not in it. */
export async function readablePosts(
  database: Database,
  userIds: string[],
  postIds: string[],
): Promise<Map<string, string[]>> {
  if (postIds.length === 0) return new Map();
  return await readable(database, userIds, postIds);
}

/** Returns the posts whose title is masked for a user who owns nothing. */
export async function maskedTitles(database: Database, postIds: string[]): Promise<string[]> {
  const nobody = randomUUID();
  const read = new Set((await titlesRead(database, [nobody], postIds)).get(nobody));
  return postIds.filter((id) => !read.has(id));
}

/** Returns for each user the posts whose title they may read. */
export async function titlesRead(
  { pool }: Database,
  userIds: string[],
  postIds: string[],
): Promise<Map<string, string[]>> {
  if (postIds.length === 0) return new Map();
  const rows = await run(pool, call("recsys_engine.titles_read", { p_user_ids: userIds, p_post_ids: postIds }));
  return new Map(rows.map(({ user_id, post_ids }) => [user_id, post_ids]));
}

async function readable({ pool }: Database, userIds: string[], postIds: string[] | null) {
  const rows = await run(pool, call("recsys_engine.readable_posts", { p_user_ids: userIds, p_post_ids: postIds }));
  return new Map(rows.map(({ user_id, post_ids }) => [user_id, post_ids]));
}
