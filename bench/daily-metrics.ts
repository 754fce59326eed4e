/**
 * How long recsys.measure_day takes for a day of a million impressions, and how many figures it writes: `npm run bench -- daily-metrics
 * [--impressions 1000000]`. 50,000 feeds of 20 posts for 25,000 people, with features and probabilities; a tenth is viewed; a week before,
 * as many. Needs a PostgreSQL.
 */
import { parseArgs } from "node:util";
import { featureSpec } from "../supabase/functions/_shared/features/feature-spec.ts";
import { openPostgres, openScope } from "./shared/place.ts";
import { load, timed } from "./shared/times.ts";

const { values } = parseArgs({ options: { impressions: { type: "string", default: "1000000" } } });
const feeds = Math.ceil(Number(values.impressions) / 20);
const people = Math.ceil(feeds / 2);
const posts = 100_000;
await using scope = openScope();
const { pool } = await openPostgres(scope, "daily_metrics");
const [{ day }] = (await pool.query("select ((now() at time zone 'UTC')::date - 2)::text as day")).rows;
await pool.query("select recsys.make_impression_partitions()");
const created = await pool.query("select recsys.create_model('made up', $1, 'made up', '{}')::int as id", [
  featureSpec,
]);
const model: number = created.rows[0].id;
await pool.query(
  `insert into recsys.training_features
     select $1, number, part || ' ' || feature, array(select n / 10.0 from generate_series(1, 9) as n)::real[], array_fill(0.1::real, array[10])
     from recsys.model_features where model_id = $1`,
  [model],
);
// queues and states are no part of this
for (const table of ["profiles", "posts", "post_views"])
  await pool.query(`alter table public.${table} disable trigger user`);
await pool.query(
  "insert into public.profiles (id, created_at) select md5('person ' || n)::uuid, now() - interval '1 year' from generate_series(1, $1::int) as n",
  [people],
);
await pool.query(
  `insert into public.posts (id, author_id, title, created_at)
     select md5('post ' || n)::uuid, md5('person ' || 1 + n % $2)::uuid, 'a post', now() - n * interval '1 minute' from generate_series(1, $1::int) as n`,
  [posts, Math.min(people, 5000)],
);
for (const ago of [7, 0])
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, score, source, model_id, features,
         view_probability, vote_probability, comment_probability)
       select md5('feed ' || feed || ' ' || $2::int)::uuid, md5('person ' || 1 + feed % $4)::uuid,
         -- the nearest post of a skewed draw, another one for each place
         md5('post ' || 1 + (($5::int / 20 * power(random(), 3))::int * 20 + place) % $5)::uuid, place,
         $1::date - $2::int + feed * (interval '1 day' / $3::int), random(), (array['similar', 'active', 'fresh', 'trending', 'followed'])[1 + place % 5], $6,
         array(select random() + 0 * place from generate_series(1, 60)), 0.1, 0.03, 0.01
       from generate_series(0, $3::int - 1) as feed cross join generate_series(1, 20) as place`,
    [day, ago, feeds, people, posts, model],
  );
await pool.query(
  `insert into public.post_views (user_id, post_id, created_at)
     select user_id, post_id, shown_at + interval '1 minute' from recsys.impressions where shown_at >= $1::date and random() < 0.1 on conflict do nothing`,
  [day],
);
await pool.query("vacuum analyze recsys.impressions; ").catch(() => {});
await pool.query("analyze");
const measure = async (what: string, sql: string, parameters: unknown[]) => {
  const [{ rows }, seconds] = await timed(() => pool.query(sql, parameters));
  console.log(`${what}: ${seconds.toFixed(1)} s, ${load()}, ${JSON.stringify(rows[0])}`);
};
for (let i = 0; i < 2; i++) await measure("a day", "select recsys.measure_day($1) as figures", [day]);
await measure("of it drift", "select count(*)::int as features from recsys.feature_drift($1)", [day]);
await measure("of it skew", "select count(*)::int as features from recsys.feature_skew($1)", [day]);
await measure("health", "select count(*)::int as figures from recsys.health()", []);
// two years of such days
await pool.query(
  "insert into recsys.daily_metrics select day - ago, metric, model_id, slice, value + ago, count from recsys.daily_metrics cross join generate_series(1, 729) as ago where day = $1",
  [day],
);
await measure(
  "two years",
  "select count(*)::int as rows, pg_size_pretty(pg_total_relation_size('recsys.daily_metrics')) as size from recsys.daily_metrics",
  [],
);
const { rows } = await pool.query(
  "select pg_size_pretty(sum(pg_relation_size(indexrelid))) as brin from pg_index where indexrelid::regclass::text like '%shown_at_idx' and indexrelid::regclass::text not like '%user_id%' and pg_relation_size(indexrelid) > 0",
);
console.log(`the index by time: ${rows[0].brin}`);
