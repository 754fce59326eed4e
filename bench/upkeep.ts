/**
 * What upkeep costs: `npm run bench -- upkeep`. How the HNSW index fares when posts are embedded again and again, with and without a
 * reindex; and how long it takes to erase a user with many posts and interactions beside 200,000 impressions. Needs a PostgreSQL.
 */
import type pg from "pg";
import { openPostgres, openScope } from "./shared/place.ts";
import { load, timed } from "./shared/times.ts";

const posts = 25_000;
const rounds = 10;
const impressions = 200_000;

await using scope = openScope();
const { pool } = await openPostgres(scope, "upkeep");
const client = await pool.connect();
scope.after(async () => client.release());
await index(client);
await erasure(client);

/** A fifth of the posts gets another vector, `rounds` times, with the vacuum that autovacuum does at that many dead rows. */
async function index(client: pg.ClientBase): Promise<void> {
  await client.query(`
    set search_path = public, extensions;
    create function public.some_vector(seed integer) returns vector language sql volatile
    -- one of 50 topics with noise of its own: vectors of towers are no uniform cloud
    return l2_normalize((array(select (sin(seed % 50 * 7.3 + d * 1.7) + random() - 0.5)::real from generate_series(1, 32) as d))::vector);
    create table public.vectors (post_id integer primary key, embedding vector(32) not null);
    insert into public.vectors select i, public.some_vector(i) from generate_series(1, ${posts}) as i;`);
  await client.query("set max_parallel_maintenance_workers = 0");
  await client.query("create index vectors_idx on public.vectors using hnsw (embedding vector_ip_ops)");
  await client.query("set hnsw.ef_search = 200");
  await client.query("vacuum analyze public.vectors");
  await report(client, "built");
  for (let round = 1; round <= rounds; round++) {
    await client.query("update public.vectors set embedding = public.some_vector(post_id) where random() < 0.2");
    await client.query("vacuum public.vectors");
    if (round % 5 === 0) await report(client, `${round} times a fifth embedded again`);
  }
  const [, seconds] = await timed(() => client.query("reindex index concurrently public.vectors_idx"));
  await report(client, `reindexed in ${seconds.toFixed(1)} s`);
}

async function report(client: pg.ClientBase, state: string): Promise<void> {
  const { rows } = await client.query("select pg_size_pretty(pg_relation_size('public.vectors_idx')) as size");
  const queries = 50;
  let found = 0;
  let milliseconds = 0;
  for (let i = 0; i < queries; i++) {
    const { rows: asked } = await client.query(
      "select embedding::text as vector from public.vectors where post_id = $1",
      [1 + i * 317],
    );
    const nearest = async () =>
      (
        await client.query("select post_id from public.vectors order by embedding <#> $1::vector limit 200", [
          asked[0].vector,
        ])
      ).rows.map(({ post_id }) => post_id);
    const started = performance.now();
    const fast = await nearest();
    milliseconds += performance.now() - started;
    await client.query("set enable_indexscan = off");
    const exact = new Set(await nearest());
    await client.query("reset enable_indexscan");
    found += fast.filter((id) => exact.has(id)).length;
  }
  const recall = (found / queries / 200).toFixed(3);
  console.log(
    `index ${state}: ${rows[0].size}, recall@200 ${recall}, ${(milliseconds / queries).toFixed(1)} ms, ${load()}`,
  );
}

async function erasure(client: pg.ClientBase): Promise<void> {
  await client.query(`
    insert into public.profiles (id) select md5('person ' || i)::uuid from generate_series(1, 5000) as i`);
  await client.query(`
    insert into public.posts (id, author_id, title)
    select md5('post ' || i)::uuid, md5('person ' || case when i <= 1000 then 1 else 1 + i % 5000 end)::uuid, 'a post'
    from generate_series(1, 25000) as i`);
  await client.query(`
    insert into public.post_views (user_id, post_id, created_at)
    select md5('person ' || case when i <= 10000 then 1 else 1 + i % 5000 end)::uuid, md5('post ' || 1 + (i * 7919) % 25000)::uuid, now() - i * interval '1 minute'
    from generate_series(1::bigint, 200000) as i on conflict do nothing`);
  await client.query("select recsys.roll_up(null)");
  await client.query("truncate recsys.embedding_jobs");
  await time(`${impressions} impressions logged in feeds of 20`, () =>
    client.query(`
      insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, score, source)
      select md5('feed ' || i / 20)::uuid, md5('person ' || 1 + (i / 20) % 5000)::uuid, md5('post ' || 1 + (i * 104729) % 25000)::uuid, (1 + i % 20)::smallint,
        date_trunc('month', now()) + i % 1000000 * interval '1 second', 0.1, 'fresh'
      from generate_series(1::bigint, ${impressions}) as i`),
  );
  await client.query("vacuum analyze");
  await time("delete a user with 1,000 posts and 10,000 views", () =>
    client.query("delete from public.profiles where id = md5('person 1')::uuid"),
  );
  await time("erase", () => client.query("select recsys.erase()"));
  await time("roll up what others' numbers owed to them", () => client.query("select recsys.roll_up(null)"));
  const { rows } = await client.query("select count(*)::int as n from recsys.feature_store_differences()");
  console.log(`feature store differences: ${rows[0].n}`);
}

async function time(what: string, body: () => Promise<{ rows: unknown[] }>): Promise<void> {
  const [{ rows }, seconds] = await timed(body);
  const result = rows.length === 1 ? ` (${Object.values(rows[0] as object)[0]} rows)` : "";
  console.log(`${what}: ${seconds.toFixed(2)} s${result}, ${load()}`);
}
