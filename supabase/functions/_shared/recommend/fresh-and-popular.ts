/**
 * What is fresh and popular, in one statement: the feed where neither model nor list can be had. It takes no vectors, and two of the common sources.
 * Of 100,000 posts that is 6.7 ms; with the two joined by post it was 29.
 */
import { type Expression, sql } from "kysely";
import { type Identity, readAs } from "../database/caller.ts";
import type { Pool, Query } from "../database/database.ts";
import { db, fn, milliseconds, textOf } from "../database/query.ts";
import { quietPost } from "../features/ranker-features.ts";
import { type Ranks, unranked } from "../features/retrieval.ts";
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
  /** In the two sources; left out: that one did not bring it. */
  ranks: Partial<Ranks>;
  /** As in `Candidate`; null: nobody came yet. */
  last_active_at: number | null;
  recent: number[] | null;
  /** recsys_engine.served_key; the driver has a bigint as text. */
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
    const source = bestSource({ ...unranked(), ...post.ranks });
    return itemOf(post, page, i, { score, predictions: null, source, why: plainReason(source, null) });
  });
  const keys = best.map(({ post }) => Number(post.served_key));
  return plainAnswer(now, items, { next: scored.length > best.length ? cursorAfter(page.served, keys) : null });
}

/** `userId` null: a visitor. */
function readFreshAndPopular(
  userId: string | null,
  { served: { seed, keys }, filter }: Page,
): Query<FreshOrPopularRow> {
  const p_seed = String(seed);
  const p_filter = filter ? JSON.stringify(filter) : null;
  const request = (p_now: Expression<unknown>) => {
    const p_request = fn("recsys_engine.feed_request", { p_user_id: userId, p_now, p_filter, p_seed, p_served: keys });
    const p_tried = fn("recsys_engine.with_trials", { p_request });
    return fn("recsys_engine.with_pool", { p_request: p_tried, p_model_id: null, p_embedding: null });
  };
  return db
    .with(
      // made once: what is left out would be searched for with each source
      (asked) => asked("asked").materialized(),
      (db) =>
        db
          .selectFrom(db.selectNoFrom(fn("recsys.clock", {}).as("now")).as("clock"))
          .select(({ ref }) => ["clock.now", request(ref("clock.now")).as("request")]),
    )
    .with("found", (db) =>
      db
        .selectFrom("asked")
        // the third, which is the dearest, is planned away
        .innerJoinLateral(
          ({ ref }) =>
            fn("recsys_engine.common_sources", { p_request: ref("asked.request"), p_extent: sql.lit("feed") }).as(
              "each",
            ),
          (join) => join.onTrue(),
        )
        .where("each.source", "in", ["fresh", "trending"])
        .groupBy(["asked.now", "each.post_id"])
        .select(({ ref }) => [
          "asked.now",
          "each.post_id",
          sql<Partial<Ranks>>`jsonb_object_agg(${ref("each.source")}, ${ref("each.rank")})`.as("ranks"),
        ]),
    )
    .selectFrom("found")
    .innerJoin("recsys.source_posts as posts", "posts.post_id", "found.post_id")
    .leftJoin("recsys_engine.latest_post_stats as stats", (join) =>
      join.onRef("stats.post_id", "=", "posts.post_id").onRef("stats.last_active_at", "<=", "found.now"),
    )
    .select(({ ref }) => [
      "found.now",
      "found.ranks",
      "posts.post_id",
      "stats.recent",
      textOf(ref("posts.title")).as("title"),
      sql<string>`${fn("recsys_engine.served_key", { p_post_id: ref("posts.post_id"), p_seed })}`.as("served_key"),
      milliseconds(ref("posts.created_at")).as("created_at"),
      milliseconds(ref("stats.last_active_at")).as("last_active_at"),
    ]);
}
