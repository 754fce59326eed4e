/**
 * Who may read what, as the app's row level security says under each user's own role. The run sees every post; a post that
 * not everybody may read is ranked only for those who may. What is served is asked once more, when it is served.
 */
import { randomUUID } from "node:crypto";
import type { Database } from "../../db/connect.ts";

/** The posts that anybody may read who is signed in: asked as somebody whom nobody knows. */
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

async function readable({ pool }: Database, userIds: string[], postIds: string[] | null) {
  const { rows } = await pool.query("select user_id, post_ids from recsys.readable_posts($1::uuid[], $2::uuid[])", [
    userIds,
    postIds,
  ]);
  return new Map<string, string[]>(rows.map(({ user_id, post_ids }) => [user_id, post_ids]));
}
