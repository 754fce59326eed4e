/** The feed of who wants the newest of whom and what they follow: in order of time, whatever a model would say. */
import type { Connection } from "../../database/database.ts";
import { call, run, type Statement } from "../../database/database.ts";
import type { ContextRow } from "../context/read-context.ts";
import type { FeedResult } from "../pipeline/types.ts";
import { cursorAfter, type Page } from "../request/cursor.ts";
import { reasonOfSource } from "./explain-page.ts";
import { baseFeedResult, buildFeedItem } from "./feed-result.ts";

/** A row of recsys_engine.following_feed. */
interface FollowingRow {
  post_id: string;
  title: string;
  author_id: string | null;
  created_at: Date;
  follows_author: boolean;
  topic: string | null;
  served_key: number;
}

/** A page of it, in the reader's transaction. */
export async function followingFeed(
  connection: Connection,
  userId: string,
  { now }: Pick<ContextRow, "now">,
  page: Page,
): Promise<FeedResult> {
  const { limit, served, filter } = page;
  const found = await run(
    connection,
    call("recsys_engine.following_feed", {
      p_user_id: userId,
      p_now: now,
      // one more says whether there is a next page
      p_most: limit + 1,
      p_filter: filter && JSON.stringify(filter),
      p_seed: String(served.seed),
      p_served: served.keys,
    }) as Statement<FollowingRow>,
  );
  const rows = found.slice(0, limit);
  const items = rows.map((row, i) => {
    const why = reasonOfSource("followed", row.author_id, row.follows_author, row.topic);
    return buildFeedItem(row, page, i, { score: Number(row.created_at), predictions: null, source: "followed", why });
  });
  const keys = rows.map(({ served_key }) => Number(served_key));
  const next = found.length > limit ? cursorAfter(served, keys) : null;
  // nothing was chosen for its reader
  return { ...baseFeedResult(now, items, { basis: "follows", next }), label: "" };
}
