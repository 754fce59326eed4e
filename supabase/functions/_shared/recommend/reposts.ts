/** What is one conversation with what a reader saw, where they want no reposts of that. */
import { readAs, service } from "../database/caller.ts";
import type { Pool } from "../database/database.ts";
import { anyOf, db } from "../database/query.ts";
import type { Log } from "../http/log.ts";
import { sameTitles } from "./select/fold.ts";

/** What its reader wants no reposts of: posts, and their titles. */
export interface Originals {
  post_ids: string[];
  titles: string[];
}

/** Whether a post that was told its conversation (tell-posts.ts) is a repost. */
export type IsRepost = (post: { title: string; conversation?: string | null }) => boolean;

/** No feed waits for it longer; then titles alone decide. */
const timeout = "250ms";

/** `originals` null: the reader wants to see reposts. Throws nothing. */
export async function repostsOf(
  { pool, log }: { pool: Pool; log: Log },
  originals: Originals | null,
): Promise<IsRepost> {
  if (!originals) return () => false;
  const hasTitle = sameTitles(originals.titles);
  const found = db
    .selectFrom("recsys.source_conversations")
    .select("conversation")
    .distinct()
    .where("post_id", "=", anyOf(originals.post_ids))
    .where("conversation", "is not", null);
  const rows = await readAs(pool, service, found, async (_, rows) => rows, timeout).catch((error) => {
    log("conversations_failed", error);
    return [];
  });
  const conversations = new Set(rows.map(({ conversation }) => conversation));
  return ({ title, conversation }) => hasTitle(title) || (conversation != null && conversations.has(conversation));
}
