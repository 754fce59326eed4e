/** For tests: what feeds know of whom people follow, held against a count of everything that they did. */
import type pg from "pg";

/** The people whose affinities are not those that all of their interactions give. */
export async function affinityDifferences(pool: pg.Pool): Promise<unknown[]> {
  const { rows } = await pool.query(
    `select users.user_id, known.affinities as known, counted.affinities as counted
     from recsys.source_users as users
     cross join lateral (
       select jsonb_object_agg(each.author_id, each.affinity) as affinities
       from recsys_engine.with_affinities(recsys_engine.feed_request(users.user_id, recsys.clock())) as request
       cross join lateral unnest(request.authors, request.affinities) as each (author_id, affinity)
     ) as known
     cross join lateral (
       select jsonb_object_agg(each.author_id, each.affinity) as affinities
       from (
         select posts.author_id, count(*) as affinity
         from recsys.source_interactions as interactions
         join recsys.source_posts as posts on posts.post_id = interactions.post_id
         where interactions.user_id = users.user_id and interactions.created_at <= recsys.clock() and posts.author_id <> users.user_id
         group by posts.author_id
       ) as each
     ) as counted
     where known.affinities is distinct from counted.affinities`,
  );
  return rows;
}
