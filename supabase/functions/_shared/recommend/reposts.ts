/** What is one conversation with what a reader dismissed lately, or saw and wants no reposts of. */
import { readAs, service } from "../database/caller.ts";
import type { Pool } from "../database/database.ts";
import { anyOf, db } from "../database/query.ts";
import type { Log } from "../http/log.ts";
import { sameTitles } from "./select/fold.ts";

/** As recsys.unwanted_originals. */
export interface Originals {
  post_ids: string[];
  titles: string[];
}

/** Whether a post that was told its conversation (tell-posts.ts) is a repost. */
export type IsRepost = (post: { title: string; conversation?: string | null }) => boolean;

/** No feed waits for it longer; then titles alone decide. */
const timeout = "250ms";

/** `originals` null: there are none. Throws nothing. */
export async function repostsOf(
  { pool, log }: { pool: Pool; log: Log },
  originals: Originals | null,
): Promise<IsRepost> {
  if (!originals) return () => false;
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
  return isOneOf(originals.titles, new Set(rows.map(({ conversation }) => conversation)));
}

/** By titles and by what the app says. */
export function isOneOf(titles: string[], conversations: ReadonlySet<string | null>): IsRepost {
  const hasTitle = sameTitles(titles);
  return ({ title, conversation }) => hasTitle(title) || (conversation != null && conversations.has(conversation));
}
