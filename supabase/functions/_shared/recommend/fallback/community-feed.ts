/**
 * What is fresh and popular, in one statement: the feed where neither model nor list can be had. It takes no vectors, and two of the common sources.
 * Of 100,000 posts that is 6.7 ms; with the two joined by post it was 29.
 */
import { type Expression, sql } from "kysely";
import type { Pool, Query } from "../../database/database.ts";
import { db, fn, milliseconds, textOf } from "../../database/query.ts";
import { type Identity, readAs } from "../../database/run-as-caller.ts";
import { emptyPostState } from "../../features/ranker-features.ts";
import { emptyRanks, type Ranks } from "../../features/retrieval.ts";
import { primarySource, reasonOfSource } from "../page/explain-page.ts";
import { baseFeedResult, buildFeedItem } from "../page/feed-result.ts";
import type { FeedResult } from "../pipeline/types.ts";
import { cursorAfter, type Page, servedPositions } from "../request/cursor.ts";
import { withNewcomerPlaces } from "../request/feed-settings.ts";
import { communityScore, communityValue } from "../scoring/community-score.ts";
import { candidatePool } from "../selection/candidate-pool.ts";
import type { Selectable, Standing } from "../selection/selectable.ts";

/** The default of recsys.settings: by it an author has a tenth of a page. */
const authorDecay = 0.9;

interface FreshOrPopularRow {
  now: Date;
  post_id: string;
  title: string;
  author_id: string | null;
  /** As in `Selectable`. */
  standing: Standing | null;
  newcomer_share: number;
  /** In milliseconds. */
  created_at: number;
  /** In the two sources; left out: that one did not bring it. */
  ranks: Partial<Ranks>;
  /** As in `Candidate`; null: no interactions yet. */
  last_active_at: number | null;
  recent: number[] | null;
  /** recsys_engine.served_key; the driver has a bigint as text. */
  served_key: string;
}

/** The best `limit` of the posts that `fresh` and `trending` bring, in the order of the community feed; null: they bring none. Throws AppError. */
export async function communityFeed(
  { pool }: { pool: Pool },
  caller: Identity,
  page: Page,
  timeout: string,
): Promise<FeedResult | null> {
  const statement = readFreshAndPopular(caller.sub ?? null, page);
  const rows = await readAs(pool, caller, statement, async (_, rows) => rows, timeout);
  if (rows.length === 0) return null;
  const [{ now }] = rows;
  const scored = rows.flatMap((row) => {
    const state = {
      ...emptyPostState,
      last_active_at: row.last_active_at,
      recent: row.recent ?? emptyPostState.recent,
    };
    const value = communityValue(row.created_at, state, Number(now));
    const post = { ...row, ranks: { ...emptyRanks(), ...row.ranks }, embedding: null };
    return Number.isFinite(value) ? [{ post, score: communityScore(value) }] : [];
  });
  const best = firstOf(scored, page, rows[0].newcomer_share);
  const items = best.map(({ post, score }, i) => {
    const source = primarySource(post.ranks);
    return buildFeedItem(post, page, i, { score, predictions: null, source, why: reasonOfSource(source, null) });
  });
  const keys = best.map(({ post }) => Number(post.served_key));
  return baseFeedResult(now, items, { next: scored.length > best.length ? cursorAfter(page.served, keys) : null });
}

/** The best posts for a page: at most a tenth by one author, and newcomers within their share. */
function firstOf<Post extends Selectable>(posts: Post[], { limit, served }: Page, newcomer_share: number): Post[] {
  const settings = { diversity: 0, author_decay: authorDecay, topic_share: 1, group_share: 1, newcomer_share };
  const pool = candidatePool(
    posts,
    limit,
    withNewcomerPlaces(settings, limit, served.seed),
    servedPositions(served) === 0,
  );
  const page: Post[] = [];
  for (let best = pool.best(); best >= 0 && page.length < limit; best = pool.best()) {
    page.push(pool.posts[best]);
    pool.take(pool.posts[best]);
  }
  return page;
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
    return fn("recsys_engine.with_prefiltered_pool", { p_request, p_model_id: null, p_embedding: null });
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
            fn("recsys_engine.global_sources", { p_request: ref("asked.request"), p_extent: sql.lit("feed") }).as(
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
    .with("newcomers", (db) =>
      db.selectNoFrom([
        fn("recsys_engine.posts_of_newcomers", { p_post_ids: sql`array(select post_id from found)` })
          .$castTo<string[]>()
          .as("post_ids"),
        fn("recsys_engine.newcomer_share", {}).$castTo<number>().as("newcomer_share"),
      ]),
    )
    .selectFrom("newcomers")
    .innerJoin("found", (join) => join.onTrue())
    .innerJoin("recsys.source_posts as posts", "posts.post_id", "found.post_id")
    .leftJoin("recsys_engine.latest_post_stats as stats", (join) =>
      join.onRef("stats.post_id", "=", "posts.post_id").onRef("stats.last_active_at", "<=", "found.now"),
    )
    .select(({ ref }) => [
      "found.now",
      "found.ranks",
      "newcomers.newcomer_share",
      "posts.post_id",
      "posts.author_id",
      "stats.recent",
      sql<Standing | null>`case when ${ref("posts.post_id")} = any (${ref("newcomers.post_ids")}) then 'newcomer' end`.as(
        "standing",
      ),
      textOf(ref("posts.title")).as("title"),
      sql<string>`${fn("recsys_engine.served_key", { p_post_id: ref("posts.post_id"), p_seed })}`.as("served_key"),
      milliseconds(ref("posts.created_at")).as("created_at"),
      milliseconds(ref("stats.last_active_at")).as("last_active_at"),
    ]);
}
