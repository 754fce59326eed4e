/** The feed that was made ahead: what `recsys batch` wrote for the user, as far as it may be shown to them now. */
import { type Identity, readAs } from "../database/caller.ts";
import type { Pool, Statement } from "../database/database.ts";
import type { Source } from "../features/retrieval.ts";
import type { Basis } from "./basis.ts";
import { cursorAfter, type Page } from "./cursor.ts";
import { undescribed } from "./describe-items.ts";
import type { Recommendation } from "./recommend.ts";
import { plainReason } from "./why/reason.ts";

/** A row of recsys.batch_feed. */
interface BatchRow {
  now: Date;
  made_at: Date;
  model_id: string;
  model_name: string;
  basis: Basis;
  post_id: string;
  title: string;
  score: number;
  view: number;
  vote: number;
  comment: number;
  dismiss: number | null;
  long_view: number | null;
  source: Source;
  author_id: string | null;
  /** recsys.served_key; the driver has a bigint as text. */
  served_key: string;
}

/** A page of what is left of the caller's list; null: there is no list, as for any visitor, or nothing is left of it. Throws AppError. */
export async function batchFeed(
  { pool }: { pool: Pool },
  caller: Identity,
  page: Page,
  timeout: string,
): Promise<Recommendation | null> {
  if (caller.sub === undefined) return null;
  const rows = await readAs(pool, caller, readList(caller.sub, page), async (_, rows) => rows, timeout);
  if (rows.length === 0) return null;
  const [{ now, made_at, model_id, model_name, basis }] = rows;
  const items = rows.map(
    ({ post_id, title, score, view, vote, comment, dismiss, long_view, source, author_id }, i) => ({
      post_id,
      ...undescribed(post_id),
      title,
      score,
      predictions: {
        view,
        vote,
        comment,
        ...(dismiss !== null && { dismiss }),
        ...(long_view !== null && { long_view }),
      },
      source,
      why: plainReason(source, author_id),
      topic: null,
      position: page.served.keys.length + i + 1,
    }),
  );
  // after the list the feed goes on live
  const next = cursorAfter(
    page.served,
    rows.map(({ served_key }) => Number(served_key)),
  );
  const model = { id: Number(model_id), name: model_name };
  return {
    feed: {
      request_id: crypto.randomUUID(),
      model,
      mode: "batch",
      degraded: null,
      made_at: made_at.toISOString(),
      basis,
      items,
      next,
    },
    shownAt: now,
    variant: null,
    features: items.map(() => null),
    propensities: items.map(() => null),
    decision: null,
  };
}

function readList(userId: string, { limit, served, filter }: Page): Statement<BatchRow> {
  return {
    text: "select * from recsys.batch_feed($1::uuid, $2::integer, $3::bigint, $4::bigint[], $5::jsonb)",
    values: [userId, limit, String(served.seed), served.keys, filter ? JSON.stringify(filter) : null],
  };
}
