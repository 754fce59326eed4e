/** What is fresh and popular, in one statement: the feed where neither model nor list can be had. It takes no vectors, and two of the five sources. */
import { type Identity, readAs } from "../database/caller.ts";
import type { Pool, Statement } from "../database/database.ts";
import { sources } from "../features/retrieval.ts";
import { itemOf, plainAnswer } from "./answer.ts";
import { communityScore, communityValue } from "./community-feed.ts";
import { cursorAfter, type Page } from "./cursor.ts";
import { bestSource, plainReason } from "./reasons.ts";
import type { Recommendation } from "./seams.ts";
import { better } from "./select/selectable.ts";
import { quietPost } from "./states.ts";

interface FreshOrPopularRow {
  now: Date;
  post_id: string;
  title: string;
  /** In milliseconds. */
  created_at: number;
  fresh_rank: number | null;
  trending_rank: number | null;
  /** As in `Candidate`; null: nobody came yet. */
  last_active_at: number | null;
  recent: number[] | null;
  /** recsys.served_key; the driver has a bigint as text. */
  served_key: string;
}

/** The best `limit` of the posts that `fresh` and `trending` bring, in the order of the community feed; null: they bring none. Throws AppError. */
export async function freshAndPopular(
  { pool }: { pool: Pool },
  caller: Identity,
  page: Page,
  timeout: string,
): Promise<Recommendation | null> {
  const statement = readFreshAndPopular(caller.sub ?? null, page);
  const rows = await readAs(pool, caller, statement, async (_, rows) => rows, timeout);
  if (rows.length === 0) return null;
  const [{ now }] = rows;
  const scored = rows.flatMap((row) => {
    const value = communityValue({ ...row, recent: row.recent ?? quietPost.recent }, Number(now));
    return Number.isFinite(value) ? [{ post: row, score: communityScore(value) }] : [];
  });
  const best = scored.sort(better).slice(0, page.limit);
  const items = best.map(({ post, score }, i) => {
    const source = bestSource({ ...noRanks, fresh: post.fresh_rank, trending: post.trending_rank });
    return itemOf(post, page, i, { score, predictions: null, source, why: plainReason(source, null) });
  });
  const keys = best.map(({ post }) => Number(post.served_key));
  return plainAnswer(now, items, { next: scored.length > best.length ? cursorAfter(page.served, keys) : null });
}

const noRanks = { similar: null, active: null, followed: null };

const freshOrTrending = `
  select post_id, title, created_at, rank::integer as fresh_rank, null::integer as trending_rank
  from recsys.retrieve_fresh((select request from asked), ${sources.fresh.size})
  union all
  select post_id, title, created_at, null, rank::integer
  from recsys.retrieve_trending((select request from asked), ${sources.trending.size})`;

// the two would walk past every post for a tag that few have
const filtered = `
  select post_id, title, created_at, fresh_rank::integer, trending_rank::integer
  from recsys.retrieve_filtered((select request from asked), null, null, null)
  where fresh_rank is not null or trending_rank is not null`;

/** `userId` null: a visitor. */
function readFreshAndPopular(
  userId: string | null,
  { served: { seed, keys }, filter }: Page,
): Statement<FreshOrPopularRow> {
  return {
    // the request is made once and handed over as a whole: joined to each row, what is left out would be searched from end to end for each post
    text: `with asked as materialized (
        select clock.now, recsys.feed_request($1::uuid, clock.now, $4::jsonb) as request from (select recsys.clock() as now) as clock
      ),
      found as (${filter ? filtered : freshOrTrending})
      select
        asked.now, merged.post_id, merged.title, merged.fresh_rank, merged.trending_rank, stats.recent,
        recsys.served_key(merged.post_id, $2::bigint) as served_key,
        1000 * date_part('epoch', merged.created_at) as created_at,
        1000 * date_part('epoch', stats.last_active_at) as last_active_at
      from asked
      cross join (
        select post_id, title, created_at, min(fresh_rank) as fresh_rank, min(trending_rank) as trending_rank
        from found group by post_id, title, created_at
      ) as merged
      left join recsys.latest_post_stats as stats on stats.post_id = merged.post_id and stats.last_active_at <= asked.now
      where recsys.served_key(merged.post_id, $2::bigint) <> all ($3::bigint[])`,
    values: [userId, String(seed), keys, filter ? JSON.stringify(filter) : null],
  };
}
