/** settings.index_window_days: which posts leave the HNSW index, what brings them back, and that feeds go on meanwhile. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type pg from "pg";
import { clear, fillCommunity, people, post, publishTinyModel, uuid } from "../testing/community.ts";
import { createReverseScope, eitherDatabase, testDatabase, withOneSession } from "./testing.ts";

const scope = createReverseScope(test);
const oneSession = await withOneSession();
const { pool } = await eitherDatabase(scope, "index_window");
let modelId: number;

/** Post n of 30 is n days old; ada has voted for 28 and 30 five and four hours ago. */
beforeEach(async () => {
  await clear(pool);
  await pool.query(
    "update recsys.settings set index_window_days = null; update recsys_engine.index_window set since = default",
  );
  await fillCommunity(pool);
  await pool.query(
    "update public.posts set created_at = now() - (right(id::text, 12)::integer || ' days')::interval + interval '1 hour' where visibility = 'public'",
  );
  await rollUp();
  modelId = await publishTinyModel(pool, { name: "tiny" });
});

test("without the setting all posts are in the index", async () => {
  assert.equal(await move(), 0);
  assert.deepEqual(await idle(), []);
});

test("posts leave that no user interacted with for so long", async () => {
  await setDays(20);
  assert.equal(await move(), 10);
  // 28 and 30 are old, but ada came
  assert.deepEqual(await idle(), [21, 22, 23, 24, 25, 26, 27, 29]);
  assert.equal(await move(), 0, "and once");
  assert.deepEqual(
    (await nearest(31)).sort((a, b) => a - b),
    [1, ...range(1, 20), 28, 30],
    "a search finds the others, a private 1 among them",
  );
});

test("an idle post comes back when a user other than its author interacts with it", async () => {
  await setDays(20);
  await move();
  await view(people.author, 21);
  await view(people.ben, 22);
  await rollUp();
  assert.deepEqual(await idle(), [21, 23, 24, 25, 26, 27, 29]);
  assert.ok((await nearest(31)).includes(22));
  await pool.query("delete from public.post_views where user_id = $1", [people.ben]);
  await rollUp();
  assert.deepEqual(await idle(), [21, 22, 23, 24, 25, 26, 27, 29], "what is taken back makes it idle again");
});

test("the setting takes any number of steps in either direction, and ends where one step ends", async () => {
  for (const [days, expected] of [
    [20, [21, 22, 23, 24, 25, 26, 27, 29]],
    [10, [...range(11, 27), 29]],
    [25, [26, 27, 29]],
    [null, []],
  ] as const) {
    await setDays(days);
    for (let steps = 0; steps < 60; steps++) await move(1);
    assert.deepEqual(await idle(), expected, `${days} days`);
    await checkAgainstDefinition();
  }
  assert.equal((await pool.query("select since::text from recsys_engine.index_window")).rows[0].since, "-infinity");
});

test("a new model's index is built without idle posts, and an old post that gets its first vector is idle", async () => {
  await setDays(20);
  await move();
  await publishTinyModel(pool, { name: "second" });
  assert.deepEqual(await idle(), [21, 22, 23, 24, 25, 26, 27, 29]);
  await pool.query("delete from recsys.post_embeddings where post_id = any ($1)", [[post(25), post(5)]]);
  await pool.query("delete from recsys_engine.embedding_jobs");
  await pool.query("select recsys_engine.enqueue_embedding_jobs('post', $1)", [[post(25), post(5)]]);
  const { rows } = await pool.query("select * from recsys_engine.claim_embedding_jobs(10, interval '1 minute')");
  const vector = JSON.stringify([1, ...Array(31).fill(0)]);
  const { rows: written } = await pool.query(
    `select recsys_engine.complete_embedding_jobs($1, (select model_id from recsys.models where status = 'active'), $2, $3, $4) as jobs`,
    [rows[0].claim, rows.map(() => "post"), rows.map((row) => row.entity_id), rows.map(() => vector)],
  );
  assert.equal(written[0].jobs, 2);
  assert.ok((await idle()).includes(25) && !(await idle()).includes(5));
});

test("what only a publish or a roll-up marked comes back, too, when the setting is taken back", async () => {
  for (const mark of [
    () => publishTinyModel(pool, { name: "second" }),
    async () => {
      await pool.query("update public.posts set created_at = created_at - interval '1 minute' where id = $1", [
        post(25),
      ]);
      await rollUp();
    },
  ]) {
    await setDays(20);
    await mark();
    assert.ok((await idle({ ofAny: true })).includes(25));
    await setDays(null);
    assert.ok((await move()) > 0);
    assert.deepEqual(await idle(), []);
    assert.equal(await move(), 0);
  }
});

test("the other sources bring idle posts, and what is like an idle post is found", async () => {
  await setDays(20);
  await move();
  const { rows } = await pool.query("select * from recsys.similar_posts($1, 31)", [post(21)]);
  assert.equal(rows.length, 23, "by its vector, which stays");
  const { rows: found } = await pool.query(
    "select post_id from recsys_engine.retrieve($1, $2, $3, now(), null, null, null)",
    [people.eve, modelId, JSON.stringify([1, ...Array(31).fill(0)])],
  );
  assert.ok(
    found.some(({ post_id }) => post_id === post(21)),
    "among the newest",
  );
});

test("the index is smaller once it is built again", { skip: oneSession }, async () => {
  const { pool: large } = await testDatabase(scope, "index_window_large");
  const { id } = await fillLarge(large, 1200);
  const size = async () =>
    Number(
      (await large.query(`select pg_relation_size('recsys_engine.post_embeddings_${id}_embedding_idx') as size`))
        .rows[0].size,
    );
  const before = await size();
  const plan = await planOfSearch(large);
  assert.match(plan, /Index Scan using post_embeddings_\d+_embedding_idx/);
  assert.match(await planOfSearch(large, "true"), /Index Scan using/, "a search that knows of no window has the index");
  await large.query("update recsys.settings set index_window_days = 30");
  let moved = 0;
  for (let taken = -1; taken !== 0; moved += taken)
    taken = Number((await large.query("select recsys_engine.advance_index_window(500) as moved")).rows[0].moved);
  assert.equal(moved, 900);
  // feeds are asked for all the time
  let [asked, isBuilding] = [0, true];
  const reader = await large.connect();
  const reading = (async () => {
    while (isBuilding) {
      const { rowCount } = await reader.query(
        "select * from recsys_engine.retrieve($1, $2, $3, now(), null, null, null)",
        [uuid("a", 1), id, JSON.stringify([1, ...Array(31).fill(0)])],
      );
      assert.ok(Number(rowCount) >= 100);
      asked++;
    }
  })();
  const name = `post_embeddings_${id}_window_idx`;
  await large.query(
    `create index concurrently ${name} on recsys_engine.post_embeddings_${id} using hnsw (embedding extensions.vector_ip_ops) where is_unindexed is null`,
  );
  await large.query(`drop index concurrently recsys_engine.post_embeddings_${id}_embedding_idx`);
  await large.query(`alter index recsys_engine.${name} rename to post_embeddings_${id}_embedding_idx`);
  isBuilding = false;
  await reading;
  reader.release();
  assert.ok(asked > 0);
  assert.ok((await size()) < 0.35 * before, `${await size()} of ${before} bytes`);
  assert.match(await planOfSearch(large), /Index Scan using post_embeddings_\d+_embedding_idx/);
});

test("a window is a whole number of days from 1 to 36,500", async () => {
  for (const days of [0, -1, 36501]) await assert.rejects(setDays(days), /settings_index_window_days_check/, `${days}`);
  await assert.rejects(pool.query("update recsys.settings set index_window_days = 'soon'"), /invalid input syntax/);
  for (const most of ["0", "-5", "null"])
    await assert.rejects(
      pool.query(`select recsys_engine.advance_index_window(${most})`),
      new RegExp(`the index window moves by at least one post, not ${most}$`),
    );
});

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function setDays(days: number | null): Promise<void> {
  await pool.query("update recsys.settings set index_window_days = $1", [days]);
}

async function move(most = 20000): Promise<number> {
  return Number((await pool.query("select recsys_engine.advance_index_window($1) as moved", [most])).rows[0].moved);
}

async function rollUp(): Promise<void> {
  await pool.query("select recsys.roll_up()");
}

async function view(user: string, n: number): Promise<void> {
  await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [user, post(n)]);
}

/** The numbers of the posts whose vectors of all models are idle; throws where models differ. */
async function idle({ ofAny = false } = {}): Promise<number[]> {
  const { rows } = await pool.query(
    `select right(post_id::text, 12)::integer as number, bool_and(is_unindexed is true) as every from recsys.post_embeddings
     group by post_id having bool_or(is_unindexed) order by number`,
  );
  assert.ok(ofAny || rows.every(({ every }) => every));
  return rows.map(({ number }) => number);
}

/** What is idle by its definition, from the interactions themselves. */
async function checkAgainstDefinition(): Promise<void> {
  const { rows } = await pool.query(
    `select right(posts.id::text, 12)::integer as number
     from public.posts cross join recsys.settings
     where greatest(posts.created_at, (select max(acts.created_at) from recsys.source_interactions as acts where acts.post_id = posts.id and acts.user_id <> posts.author_id))
       < now() - make_interval(days => settings.index_window_days)
     order by number`,
  );
  assert.deepEqual(
    await idle(),
    rows.map(({ number }) => number),
  );
}

async function nearest(most: number): Promise<number[]> {
  const { rows } = await pool.query(
    `select right(found.post_id::text, 12)::integer as number
     from recsys_engine.retrieve_similar(recsys_engine.feed_request(null, now()), $1, $2, $3, $3) as found`,
    [modelId, JSON.stringify([1, ...Array(31).fill(0)]), most],
  );
  return rows.map(({ number }) => number);
}

/** As retrieve_similar searches, where the planner may not read all vectors. */
async function planOfSearch(asked: pg.Pool, condition = "is_unindexed is null"): Promise<string> {
  const client = await asked.connect();
  try {
    await client.query("begin");
    await client.query("set local enable_seqscan = off");
    await client.query("set local enable_bitmapscan = off");
    const { rows } = await client.query(
      `explain select post_id from recsys.post_embeddings
       where model_id = (select model_id from recsys.models where status = 'active') and ${condition}
       order by embedding operator(extensions.<#>) '${JSON.stringify([1, ...Array(31).fill(0)])}'::extensions.vector limit 10`,
    );
    return rows.map((row) => row["QUERY PLAN"]).join("\n");
  } finally {
    await client.query("rollback");
    client.release();
  }
}

/** A community of so many posts, a quarter of them of the last 30 days, and a model with vectors all around. */
async function fillLarge(asked: pg.Pool, posts: number): Promise<{ id: number }> {
  await fillCommunity(asked);
  await asked.query("delete from public.posts");
  await asked.query(
    `insert into public.posts (id, author_id, title, visibility, created_at)
     select gen_random_uuid(), $1, 'Post ' || n, 'public', now() - interval '1 hour' - n % 4 * interval '50 days' from generate_series(1, ${posts}) as n`,
    [people.author],
  );
  await asked.query("select recsys.roll_up(null)");
  const id = await publishTinyModel(asked, { name: "large" });
  await asked.query("delete from recsys.post_embeddings");
  await asked.query(
    `insert into recsys.post_embeddings (model_id, post_id, embedding)
     select $1, posts.id, extensions.l2_normalize((select array_agg(random_normal()) from generate_series(1, 32) as d where posts.id is not null and d > 0)::extensions.vector)
     from public.posts`,
    [id],
  );
  await asked.query(`reindex index recsys_engine.post_embeddings_${id}_embedding_idx`);
  await asked.query("vacuum analyze recsys.post_embeddings");
  return { id };
}
