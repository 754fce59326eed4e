/** Which group each candidate belongs to, where a page may have no more than a share of one: asked for then alone. */
import { sql } from "kysely";
import type { Pool } from "../../database/database.ts";
import { anyOf, db, fn } from "../../database/query.ts";
import { readAs, service } from "../../database/run-as-caller.ts";
import type { Log } from "../../http/log.ts";
import type { PostCandidate } from "../context/user-state.ts";
import type { FeedSettings } from "../request/feed-settings.ts";

/** A feed does without groups rather than wait longer. */
const timeout = "250ms";

/** Tells posts their groups, where the settings ask for them. Throws nothing: where groups cannot be read, posts have none. */
export async function hydrateGroups(
  { pool, log }: { pool: Pool; log: Log },
  posts: PostCandidate[],
  { group_share, group_by }: FeedSettings,
): Promise<void> {
  if (group_share === 1) return;
  const ids = posts.map(({ post_id }) => post_id);
  const groups = db
    .selectFrom("recsys.source_posts")
    .select(["post_id", groupOf(group_by).as("name")])
    .where("post_id", "=", anyOf(ids));
  try {
    // of posts that the caller may read, each with the rest of what they see of it
    const found = await readAs(pool, service, groups, async (_, rows) => rows, timeout);
    const groupOf = new Map(found.map(({ post_id, name }) => [post_id, name]));
    for (const post of posts) post.group = groupOf.get(post.post_id) ?? null;
  } catch (error) {
    log("groups_failed", error);
  }
}

/** The group of a post of recsys.source_posts. */
export function groupOf(groupBy: string) {
  const [language, tags] = [sql.ref("language"), sql.ref("tags")];
  return fn("recsys_engine.group_of", { p_group_by: groupBy, p_language: language, p_tags: tags }).$castTo<
    string | null
  >();
}
