/** Which group each candidate belongs to, where a page may have no more than a share of one: asked for then alone. */
import { readAs, service } from "../database/caller.ts";
import { anyOf, db } from "../database/query.ts";
import type { FeedSettings } from "./feed-settings.ts";
import type { FeedServices } from "./seams.ts";
import type { PostCandidate } from "./states.ts";

/** A feed does without groups rather than wait longer. */
const timeout = "250ms";

/** Tells posts their groups. Throws nothing: where languages cannot be read, posts have none. */
export async function tellGroups(
  { pool, log }: FeedServices,
  posts: PostCandidate[],
  { group_share, group_by: by }: FeedSettings,
): Promise<void> {
  if (group_share === 1) return;
  if (by !== "language") {
    for (const post of posts)
      post.group =
        post.tags
          .map((tag) => tag.toLowerCase())
          .filter((tag) => tag.startsWith(by))
          .sort()[0] ?? null;
    return;
  }
  const ids = posts.map(({ post_id }) => post_id);
  const languages = db
    .selectFrom("recsys.source_posts")
    .select(["post_id", "language"])
    .where("post_id", "=", anyOf(ids));
  try {
    // of posts that the caller may read, each with the rest of what they see of it
    const found = await readAs(pool, service, languages, async (_, rows) => rows, timeout);
    const languageOf = new Map(found.map(({ post_id, language }) => [post_id, language]));
    for (const post of posts) post.group = languageOf.get(post.post_id) ?? null;
  } catch (error) {
    log("groups_failed", error);
  }
}
