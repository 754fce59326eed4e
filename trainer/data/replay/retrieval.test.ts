/**
 * The sizes of sources are rows of recsys_engine.sources, from which TypeScript is generated. SQL has other limits as literals, which are read here.
 * A community that runs into each limit shows that SQL and the replay agree there.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Database } from "../../../db/connect.ts";
import { testDatabase } from "../../../db/testing.ts";
import { halfLives } from "../../../supabase/functions/_shared/features/decay.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import {
  hnswEfSearch,
  retrieval,
  sourceNames,
  sources,
  sparseTrendThreshold,
} from "../../../supabase/functions/_shared/features/retrieval.ts";
import { vectorWidth } from "../../../supabase/functions/_shared/features/text-vector.ts";
import { Random } from "../../models/nn/random.ts";
import { overfetchFactor } from "./author-cap.ts";
import { communityFromDatabase } from "./from-database.ts";
import type { IdNeighbours } from "./neighbours.ts";
import { assertAgrees, instantAfter, unitVectors } from "./testing.ts";

const database = await testDatabase({ after }, "retrieval");
const { pool } = database;

/**
 * 80 authors with 20 posts each, an hour apart, all older than ten days. The reader viewed one post of each author long ago, then one a
 * hundred times and ten others again and again; the crowd revived 400 old posts eight days ago, 120 last week, and 20 posts 3,000 times.
 */
async function fill(pool: Database["pool"], busy = 0): Promise<void> {
  await pool.query(`
    create function pg_temp.id(kind text, number bigint) returns uuid language sql immutable as $$
      select (kind || '0000000-0000-4000-8000-' || lpad(number::text, 12, '0'))::uuid
    $$;
    insert into public.profiles (id, created_at)
    select pg_temp.id('a', number), now() - interval '900 days' from generate_series(0, 82) as number;
    insert into public.posts (id, author_id, title, created_at)
    select pg_temp.id('b', number), pg_temp.id('a', 3 + number % 80), 'post ' || number,
      now() - interval '10 days' - (1600 - number) * interval '1 hour'
    from generate_series(0, 1599) as number;
    -- the reader is user 0, the crowd are users 1 and 2
    insert into public.post_views (user_id, post_id, created_at)
    select pg_temp.id('a', 0), pg_temp.id('b', number), now() - interval '9 days' + number * interval '1 minute'
    from generate_series(0, 99) as number;
    insert into public.post_views (user_id, post_id, created_at)
    select pg_temp.id('a', 0), pg_temp.id('b', 200 + number % 10), now() - interval '8 days' + number * interval '1 minute'
    from generate_series(0, 249) as number;
    insert into public.post_views (user_id, post_id, created_at)
    select pg_temp.id('a', 1), pg_temp.id('b', number), now() - interval '8 days' + number * interval '1 second'
    from generate_series(300, 699) as number;
    insert into public.post_views (user_id, post_id, created_at)
    select pg_temp.id('a', 1), pg_temp.id('b', number), now() - interval '6 days' + number * interval '1 second'
    from generate_series(700, 819) as number;
    insert into public.comments (user_id, post_id, created_at)
    select pg_temp.id('a', 2), pg_temp.id('b', 900 + number % 20), now() - interval '2 days' + number * interval '1 second'
    from generate_series(1, 3050) as number;
    -- the reader follows the last 5 authors, the first of whom interacted with 60 posts so long ago that a week says little and the others with twenty of the same and ten more each
    insert into public.follows (user_id, kind, target, created_at)
    select pg_temp.id('a', 0), 'person', pg_temp.id('a', number)::text, now() - interval '1 day' - number * interval '1 hour'
    from generate_series(78, 82) as number;
    insert into public.comments (user_id, post_id, created_at)
    select pg_temp.id('a', 78 + number / 60), pg_temp.id('b', 400 + number % 60 + 15 * (number / 60)), now() - interval '30 days' + number * interval '1 second'
    from generate_series(0, 299) as number;
    -- so many posts have three people of a moment ago
    insert into public.post_views (user_id, post_id, created_at)
    select pg_temp.id('a', person), pg_temp.id('b', number), now() - number * interval '1 millisecond'
    from generate_series(70, 72) as person, generate_series(1201, 1200 + ${busy}) as number;
    select recsys.roll_up(null)`);
}

await fill(pool);
const loaded = await communityFromDatabase(database);
const random = new Random(2);
const postVectors = unitVectors(random, loaded.community.posts.ids.length);
// of the ten posts that the reader came back to
const { ids } = loaded.community.posts;
const posts = (first: number, last: number) =>
  ids.filter((id) => Number(id.slice(-12)) >= first && Number(id.slice(-12)) <= last);
const neighbours: IdNeighbours = new Map(
  posts(200, 209).map((id, i) => [id, posts(1000 + 15 * i, 1029 + 15 * i).map((other) => [other, 1 + i])]),
);
const instant = await instantAfter(database, loaded, postVectors, loaded.timeline.length, neighbours);
const reader = loaded.community.users.ids.findIndex((id) => id.endsWith("000"));

test("every source brings at most as many posts as declared, in SQL as in the replay", async () => {
  const candidates = await assertAgrees(instant, reader, unitVectors(random, 1));
  for (const source of sourceNames) {
    const ranks = candidates.flatMap(({ ranks }) => ranks[source] ?? []);
    assert.equal(
      ranks.length,
      sources[source].size,
      `${source} is full: what the reader interacted with leaves no gap`,
    );
    assert.equal(Math.max(...ranks), sources[source].size);
  }
});

test("a user's history goes back 200 interactions, what is active as far as 300 posts take", async () => {
  const { rows } = await pool.query("select post_id from recsys_engine.user_history($1, now())", [
    loaded.community.users.ids[reader],
  ]);
  assert.equal(rows.length, 10, "the ten posts of the last 200 interactions");
  const candidates = instant.state.candidates(reader, instant.now, unitVectors(random, 1), postVectors);
  const active = candidates.filter(({ ranks }) => ranks.active !== null).map(({ title }) => Number(title.slice(5)));
  const between = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
  // 3,050 comments on twenty posts push nothing out, nor do the ten that the reader came back to
  assert.deepEqual(
    active.sort((a, b) => a - b),
    [...between(540, 819), ...between(900, 919)],
  );
});

test("a source reads as many posts as who asks needs, and caps an author at a tenth", async () => {
  for (const { size, fetchLimit, maxPerAuthor } of Object.values(sources)) {
    const { rows } = await pool.query(
      `select extent, recsys_engine.source_fetch_limit($1, $2, extent) as most, recsys_engine.max_per_author($1, extent) as share
       from unnest('{feed,kept,kept+100,all}'::text[]) as extent`,
      [size, fetchLimit],
    );
    assert.deepEqual(rows, [
      { extent: "feed", most: size, share: maxPerAuthor },
      // twice the cap, since a caller may not see some of it
      { extent: "kept", most: fetchLimit, share: 2 * maxPerAuthor },
      { extent: "kept+100", most: fetchLimit + 100, share: 2 * maxPerAuthor },
      { extent: "all", most: null, share: maxPerAuthor },
    ]);
  }
});

test("the limits in the text of the SQL functions are the declared ones", async () => {
  assert.deepEqual(await numbers("trending_posts", /< '(\d+):00:00'::interval/g), [
    retrieval.trendingHours,
    retrieval.trendingHours, // for those whose state has changed since
    retrieval.trendingHours, // and of a pool
  ]);
  const { posts, people } = sparseTrendThreshold;
  assert.deepEqual(await numbers("is_trend_sparse", /return (\d+) >/g), [posts]);
  assert.deepEqual(await numbers("is_trend_sparse", /\blimit (\d+)/g), [posts, posts]);
  assert.deepEqual(await numbers("is_trend_sparse", /168 \+ (\d+);/g), [Math.log2(people)]);
  for (const retrieve of ["retrieve_similar", "retrieve_source"])
    assert.deepEqual(await numbers(retrieve, /, (\d+) \* p_(?:most|limit)\] loop/g), [overfetchFactor]);
  assert.deepEqual(await numbers("retrieve_followed", /authors\[:(\d+)\]/g), [
    retrieval.followedAuthors,
    retrieval.followedAuthors,
  ]);
  assert.deepEqual(await numbers("followed_people", /limit (\d+)/g), [retrieval.follows]);
  assert.deepEqual(await numbers("followed_vector", /follows\[:(\d+)\]/g), [retrieval.followedMeant]);
  assert.deepEqual(await numbers("followed_vector", /limit (\d+)/g), [
    retrieval.followedPosts,
    retrieval.followedPosts,
  ]);
  assert.deepEqual(await numbers("with_followee_engagements", /follows\[:(\d+)\]/g), [retrieval.touchedBy]);
  assert.deepEqual(await numbers("with_followee_engagements", /limit (\d+)/g), [retrieval.touchedInteractions]);
  assert.deepEqual(await numbers("with_covisited", /limit (\d+)/g), [overfetchFactor * sources.covisited.size]);
  assert.deepEqual(await numbers("retrieve_similar", /ef_search', '(\d+)'/g), [hnswEfSearch]);
  const { historyInteractions, historyLength } = retrieval;
  assert.deepEqual(await numbers("latest_interactions", /limit (\d+)/gi), [historyInteractions]);
  assert.deepEqual(await numbers("user_history", /limit (\d+)/gi), [historyLength, historyLength]);
  assert.deepEqual(await numbers("recent_interactions", /limit (\d+)/gi), [historyLength, 1]);
});

test("a week in which enough people interacted with enough posts says what is popular", async (t) => {
  for (const [busy, popular] of [
    [sparseTrendThreshold.posts - 1, sources.popular.size],
    [sparseTrendThreshold.posts, 0],
  ]) {
    const database = await testDatabase(t, `busy_${busy}`);
    await fill(database.pool, busy);
    const loaded = await communityFromDatabase(database);
    const vectors = unitVectors(random, ids.length);
    const instant = await instantAfter(database, loaded, vectors, loaded.timeline.length);
    const candidates = await assertAgrees(instant, reader, unitVectors(random, 1));
    const found = candidates.filter(({ ranks }) => ranks.popular !== null);
    assert.equal(found.length, popular, `${busy} posts`);
  }
});

async function numbers(name: string, pattern: RegExp): Promise<number[]> {
  const { rows } = await pool.query("select pg_get_functiondef(('recsys_engine.' || $1)::regproc) as text", [name]);
  return Array.from(rows[0].text.matchAll(pattern), ([, number]) => Number(number));
}

test("the half-lives and the width of vectors are those of the database", async () => {
  const { rows } = await pool.query("select recsys_engine.half_lives() as half_lives");
  assert.deepEqual(rows, [{ half_lives: halfLives }]);
  const { rows: columns } = await pool.query(
    `select attrelid::regclass::text as table_name, attname as name, atttypmod as width from pg_attribute
     where atttypid = 'extensions.vector'::regtype and attnum > 0 and attrelid::regclass::text ~ '^recsys(_engine)?\\.'`,
  );
  assert.ok(columns.length >= 2);
  // of the app's own vectors the components are kept
  const widthOf = (table: string) => (/reduced_(user_)?vectors/.test(table) ? vectorWidth : dimensions);
  for (const { table_name, name, width } of columns) assert.equal(width, widthOf(table_name), `${table_name}.${name}`);
});
