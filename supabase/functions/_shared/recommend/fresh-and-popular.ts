/** What is fresh and popular, in one statement: the feed where neither model nor list can be had. It takes no vectors, and two of the five sources. */
import { type Identity, readAs } from "../database/caller.ts";
import type { Pool, Statement } from "../database/database.ts";
import { quietPost } from "../features/ranker-features.ts";
import { sources, unranked } from "../features/retrieval.ts";
import { itemOf, plainAnswer } from "./answer.ts";
import { communityScore, communityValue } from "./community-feed.ts";
import { cursorAfter, type Page } from "./cursor.ts";
import { bestSource, plainReason } from "./reasons.ts";
import type { Recommendation } from "./seams.ts";
import { better } from "./select/selectable.ts";

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
    const state = { ...quietPost, last_active_at: row.last_active_at, recent: row.recent ?? quietPost.recent };
    const value = communityValue(row.created_at, state, Number(now));
    return Number.isFinite(value) ? [{ post: row, score: communityScore(value) }] : [];
  });
  const best = scored.sort(better).slice(0, page.limit);
  const items = best.map(({ post, score }, i) => {
    const source = bestSource({ ...unranked(), fresh: post.fresh_rank, trending: post.trending_rank });
    return itemOf(post, page, i, { score, predictions: null, source, why: plainReason(source, null) });
  });
  const keys = best.map(({ post }) => Number(post.served_key));
  return plainAnswer(now, items, { next: scored.length > best.length ? cursorAfter(page.served, keys) : null });
}

/** `userId` null: a visitor. */
function readFreshAndPopular(
  userId: string | null,
  { served: { seed, keys }, filter }: Page,
): Statement<FreshOrPopularRow> {
  return {
    // the request is made once and handed over as a whole: joined to each row, what is left out would be searched from end to end for each post
    text: `with asked as materialized (
        select clock.now, recsys.with_pool(recsys.feed_request($1::uuid, clock.now, $4::jsonb, $2::bigint, $3::bigint[]), null, null) as request
        from (select recsys.clock() as now) as clock
      ),
      found as (
        select post_id, min(fresh_rank)::integer as fresh_rank, min(trending_rank)::integer as trending_rank
        from (
          select post_id, rank as fresh_rank, null::bigint as trending_rank from recsys.retrieve_fresh((select request from asked), ${sources.fresh.size}, ${sources.fresh.share})
          union all
          select post_id, null, rank from recsys.retrieve_trending((select request from asked), ${sources.trending.size}, ${sources.trending.share})
        ) as each
        group by post_id
      )
      select
        asked.now, found.*, coalesce(posts.title, '') as title, stats.recent,
        recsys.served_key(found.post_id, $2::bigint) as served_key,
        1000 * date_part('epoch', posts.created_at) as created_at,
        1000 * date_part('epoch', stats.last_active_at) as last_active_at
      from asked
      cross join found
      join recsys.source_posts as posts on posts.post_id = found.post_id
      left join recsys.latest_post_stats as stats on stats.post_id = found.post_id and stats.last_active_at <= asked.now`,
    values: [userId, String(seed), keys, filter ? JSON.stringify(filter) : null],
  };
}
