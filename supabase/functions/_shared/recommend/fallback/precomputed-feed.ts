/** The feed that was made ahead: what `recsys batch` wrote for the user, as far as it may be shown to them now. */

import { call, type Pool, type Statement } from "../../database/database.ts";
import { type Identity, readAs } from "../../database/run-as-caller.ts";
import type { OptionalHead } from "../../features/kinds.ts";
import type { Source } from "../../features/retrieval.ts";
import { reasonOfSource } from "../page/explain-page.ts";
import { baseFeedResult, buildFeedItem } from "../page/feed-result.ts";
import type { FeedResult } from "../pipeline/types.ts";
import { cursorAfter, type Page } from "../request/cursor.ts";
import type { Basis } from "../request/feed-schema.ts";

/** A row of recsys_engine.batch_feed. */
interface BatchRow {
  follows_author: boolean;
  /** One of its tags that the user follows. */
  topic: string | null;
  now: Date;
  made_at: Date;
  model_id: number;
  model_name: string;
  basis: Basis;
  post_id: string;
  title: string;
  score: number;
  view: number;
  vote: number;
  comment: number;
  /** null: the model has no optional heads. */
  optional_probabilities: Partial<Record<OptionalHead, number>> | null;
  source: Source;
  author_id: string | null;
  served_key: number;
}

/** A page of what is left of the caller's list; null: there is no list, as for any visitor, or nothing is left of it. Throws AppError. */
export async function batchFeed(
  { pool }: { pool: Pool },
  caller: Identity,
  page: Page,
  timeout: string,
): Promise<FeedResult | null> {
  if (caller.sub === undefined) return null;
  const rows = await readAs(pool, caller, readList(caller.sub, page), async (_, rows) => rows, timeout);
  if (rows.length === 0) return null;
  const [{ now, made_at, model_id, model_name, basis }] = rows;
  const items = rows.map((row, i) => {
    const { view, vote, comment, optional_probabilities } = row;
    const predictions = { view, vote, comment, ...optional_probabilities };
    return buildFeedItem(row, page, i, {
      ...row,
      predictions,
      why: reasonOfSource(row.source, row.author_id, row.follows_author, row.topic),
    });
  });
  return baseFeedResult(now, items, {
    model: { id: model_id, name: model_name },
    mode: "batch",
    made_at: made_at.toISOString(),
    basis,
    // after the list the feed goes on live
    next: cursorAfter(
      page.served,
      rows.map(({ served_key }) => served_key),
    ),
  });
}

function readList(userId: string, { limit, served, filter }: Page): Statement<BatchRow> {
  return call("recsys_engine.batch_feed", {
    p_user_id: userId,
    p_limit: limit,
    p_seed: String(served.seed),
    p_served: served.keys,
    p_filter: filter && JSON.stringify(filter),
  }) as Statement<BatchRow>;
}
