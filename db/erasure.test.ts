/** What is deleted in the app is forgotten by the engine: every table of the schema is searched for the id. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import type pg from "pg";
import { clear, fillCommunity, people, post, publishTinyModel, uuid } from "../testing/community.ts";
import { spread, tablesWith, vector } from "../testing/traces.ts";
import { onBoth, testDatabase, withoutPostgres } from "./testing.ts";

const database = await testDatabase({ after }, "erasure");
const { pool } = database;
const skip = await withoutPostgres();
let model: number;

beforeEach(async () => {
  await clear(pool);
  const queues = ["embedding_jobs", "embedding_changes"].map((queue) => `recsys_engine.${queue}`);
  await pool.query(`truncate auth.users, recsys.erasures, ${queues} cascade`);
  await fillCommunity(pool);
  model = await publishTinyModel(pool, { name: "tiny" });
  await pool.query("select recsys.roll_up(null)");
});

/** Works the queues as pg_cron does, now and two days later. */
async function workOff(pool: pg.Pool): Promise<void> {
  await pool.query("select recsys.erase()");
  await pool.query("select recsys.roll_up(null)");
  await pool.query("update recsys.erasures set deleted_at = deleted_at - interval '3 days'");
  await pool.query("select recsys.erase()");
  await pool.query("select recsys.roll_up(null)");
}

async function assertExact(pool: pg.Pool): Promise<void> {
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
}

await onBoth(
  "a deleted account takes along everything that the engine knew of it and its posts",
  async (_, { pool }) => {
    await fillCommunity(pool);
    const model = await publishTinyModel(pool, { name: "tiny" });
    const own = uuid("d", 1);
    // as a later table may have them
    await pool.query(
      "create table recsys.lists (user_id uuid, user_ids uuid[] default '{}', post_ids uuid[] default '{}', scores real[] default '{}')",
    );
    await pool.query("insert into recsys.lists (user_id) values ($1)", [people.ada]);
    await pool.query("insert into recsys.lists values ($1, $2, $3, '{3,2,1}')", [
      people.ben,
      [people.ada, people.eve],
      [post(1), own, post(2)],
    ]);
    await pool.query("insert into auth.users (id) values ($1)", [people.ada]);
    await spread(pool, people.ada, own, model);
    await pool.query(
      `insert into recsys.promotions (name, post_id, factor, people, ends_at)
       select 'For one', $1, 2, jsonb_build_object('user_ids', array[$2::uuid]), now() + interval '1 day'`,
      [post(6), people.ada],
    );
    await pool.query(
      `insert into recsys.promotions (name, filter, factor, ends_at)
       select 'Of one', jsonb_build_object('author_ids', array[$1::uuid], 'max_age_days', 7), 2, now() + interval '1 day'`,
      [people.ada],
    );
    const participants = async () =>
      (
        await pool.query(
          "select participants from recsys_engine.post_stats where post_id = $1 order by last_active_at desc limit 1",
          [post(1)],
        )
      ).rows[0].participants;
    assert.equal(await participants(), 2);

    await pool.query("delete from auth.users where id = $1", [people.ada]);
    // by the app alone, without a worker of the queues
    assert.ok(!(await tablesWith(pool, people.ada)).includes("recsys_engine.embedding_jobs"));
    await workOff(pool);
    assert.deepEqual(await tablesWith(pool, people.ada), []);
    assert.deepEqual(await tablesWith(pool, own), []);
    assert.deepEqual((await pool.query("select user_ids::text[], post_ids::text[], scores from recsys.lists")).rows, [
      { user_ids: [people.eve], post_ids: [post(1), null, post(2)], scores: [3, 2, 1] },
    ]);
    const { rows } = await pool.query(
      "select people, recsys_engine.is_promoted_to(people, $1, '{}', now()) as is_promoted from recsys.promotions where people is not null order by promotion_id",
      [people.eve],
    );
    assert.deepEqual(
      rows,
      [[people.ben], []].map((user_ids) => ({ people: { user_ids }, is_promoted: false })),
      "what was for them alone is for nobody, and not for all",
    );
    const { rows: filters } = await pool.query("select filter from recsys.promotions where filter is not null");
    assert.deepEqual(filters, [{ filter: { author_ids: [], max_age_days: 7 } }], "and what was of theirs is of nobody");
    assert.equal(await participants(), 1, "what others' numbers owed to it is gone");
    await assertExact(pool);
    assert.equal((await pool.query("select from recsys.impressions")).rowCount, 0);
  },
);

test("a deleted post leaves the lists of everybody, and what people did with it their numbers", async () => {
  const own = uuid("d", 1);
  await spread(pool, people.ada, own, model);
  await pool.query("delete from public.posts where id = $1", [own]);
  await workOff(pool);
  assert.deepEqual(await tablesWith(pool, own), []);
  assert.ok((await tablesWith(pool, people.ada)).includes("recsys.user_embeddings"), "its author stays");
  assert.equal((await pool.query("select from recsys.impressions")).rowCount, 1, "what else was shown stays");
  await assertExact(pool);
});

await onBoth(
  "users who interacted with posts by an unwatched table are forgotten by these posts, pruned or deferred",
  async (_, { pool }) => {
    await fillCommunity(pool);
    const gone = people.ada;
    await pool.query("insert into auth.users (id) values ($1)", [gone]);
    await pool.query(
      `insert into public.post_views (user_id, post_id, created_at) select who, id, posts.created_at + n * interval '1 minute'
       from public.posts cross join unnest($1::uuid[]) with ordinality as people (who, n) where visibility = 'public'`,
      [[people.ben, gone, people.eve]],
    );
    // the last state before the instant up to which is thinned stays, and here it is theirs
    await pool.query(
      "insert into public.comments (user_id, post_id, created_at) select $1, id, now() from public.posts",
      [gone],
    );
    await pool.query("select recsys.roll_up(null)");
    await pool.query("select recsys_engine.prune_feature_store(20, 1000)");
    await pool.query(
      "select recsys.unwatch(table_name) from (select distinct table_name from recsys.watches where kind in ('interactions', 'logins')) as watched",
    );
    await pool.query("select recsys.roll_up(null)");
    // a post whose states cannot be worked out keeps those that it has
    await pool.query(
      `alter table recsys_engine.post_stats add constraint refused check (post_id <> '${post(7)}') not valid`,
    );
    await pool.query("insert into recsys_engine.feature_changes (post_id) values ($1)", [post(7)]);
    await pool.query("select recsys.roll_up(null)");
    assert.equal((await pool.query("select from recsys_engine.failed_feature_changes")).rowCount, 1);
    const named = await pool.query("select from recsys_engine.post_stats where user_id = $1", [gone]);
    assert.ok(Number(named.rowCount) > 30);

    await pool.query("delete from auth.users where id = $1", [gone]);
    await pool.query("select recsys.erase()");
    await pool.query("select recsys.roll_up(null)");
    assert.deepEqual(await tablesWith(pool, gone), ["recsys.erasures"], "until the day after");
    await workOff(pool);
    assert.deepEqual(await tablesWith(pool, gone), []);
    await pool.query("alter table recsys_engine.post_stats drop constraint refused");
    await pool.query(
      "insert into recsys_engine.feature_changes (user_id, post_id, at) select user_id, post_id, at from recsys_engine.failed_feature_changes",
    );
    await pool.query("select recsys.roll_up(null)");
    await assertExact(pool);
  },
);

test("users who interacted with a deleted post by an unwatched table are recomputed without it", async () => {
  const watched = "select recsys.watch('public.post_views', 'interactions')";
  await pool.query(
    "insert into public.post_views (user_id, post_id, created_at) select $1, id, now() from public.posts",
    [people.ben],
  );
  await pool.query("select recsys.unwatch('public.post_views'), recsys.roll_up(null)");
  await pool.query("delete from public.posts where id = $1", [post(1)]);
  await workOff(pool);
  await assertExact(pool);
  await pool.query(watched);
});

test("every column by which somebody is erased begins an index, so that a deletion reads what it erases", async () => {
  // lists are read as a whole, and a day's together
  const { rows } = await pool.query(
    `select table_name::text as table, column_name as column
     from (
       select table_name, column_name, type from recsys_engine.erasable_columns
       union all select 'recsys_engine.post_stats', 'user_id', 'uuid' union all select 'recsys_engine.user_stats', 'user_id', 'uuid' union all select 'recsys_engine.post_stats', 'post_id', 'uuid'
     ) as columns
     where type = 'uuid'::regtype and not exists (
       select from pg_index
       join pg_attribute on attrelid = indrelid and attname = column_name
       where indrelid = table_name and indpred is null
         -- entity_id follows kind, which is said too
         and attnum = indkey[case column_name when 'entity_id' then 1 else 0 end]
     )`,
  );
  assert.deepEqual(rows, []);
});

test("a minute in which a post is deleted reads neither everybody's lists nor what was erased before", async () => {
  await pool.query(
    "insert into recsys.erasures (kind, entity_id, erased_at) select 'post', gen_random_uuid(), now() from generate_series(1, 2000)",
  );
  await pool.query(
    `insert into recsys.batch_recommendations (user_id, run_id, model_id, made_at, basis, post_ids, scores, views, votes, comments, sources)
     select gen_random_uuid(), 1, $1, now(), 'history', array[$2::uuid], '{1}', '{1}', '{1}', '{1}', '{fresh}' from generate_series(1, 500)`,
    [model, post(1)],
  );
  await pool.query("analyze recsys.erasures, recsys.batch_recommendations");
  await pool.query("delete from public.posts where id = $1", [post(1)]);
  const client = await pool.connect();
  try {
    await client.query("begin");
    // it also counts what earlier statements of this session read and did not report yet
    const read = async (): Promise<number[]> =>
      (
        await client.query(
          `select (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read from pg_stat_xact_user_tables
           where schemaname in ('recsys', 'recsys_engine') and relname in ('erasures', 'batch_recommendations') order by relname`,
        )
      ).rows.map(({ read }) => read);
    const before = await read();
    await client.query("select recsys.erase()");
    const rows = (await read()).map((now, i) => now - before[i]);
    await client.query("commit");
    const [lists, erasures] = rows.map((number) => (number < 20 ? "few rows" : `${number} rows`));
    assert.deepEqual({ lists, erasures }, { lists: "few rows", erasures: "few rows" });
  } finally {
    client.release();
  }
  await workOff(pool);
  assert.deepEqual(await tablesWith(pool, post(1)), [], "a day later it is in no list any more");
});

test("a vector that a worker is about to write for what was deleted meanwhile is not written", async () => {
  await pool.query("update public.posts set title = 'x' where id = $1", [post(1)]);
  const { rows } = await pool.query("select * from recsys_engine.claim_embedding_jobs(10, '1 minute')");
  assert.deepEqual(
    rows.map(({ entity_id }) => entity_id),
    [post(1)],
  );
  await pool.query("delete from public.posts where id = $1", [post(1)]);
  await workOff(pool);
  const completed = await pool.query(
    "select recsys_engine.complete_embedding_jobs($1, $2, '{post}', array[$3::uuid], array[$4]) as n",
    [rows[0].claim, model, post(1), vector],
  );
  assert.equal(completed.rows[0].n, 0);
  assert.deepEqual(await tablesWith(pool, post(1)), []);
});

test("a deletion and the worker's transaction at the same time: whoever is first, no vector stays", {
  skip,
}, async () => {
  for (const workerFirst of [true, false]) {
    const id = post(workerFirst ? 1 : 2);
    await pool.query("update public.posts set title = 'x' where id = $1", [id]);
    const { rows } = await pool.query("select * from recsys_engine.claim_embedding_jobs(10, '1 minute')");
    const [worker, app] = [await pool.connect(), await pool.connect()];
    const complete = () =>
      worker.query("select recsys_engine.complete_embedding_jobs($1, $2, '{post}', array[$3::uuid], array[$4])", [
        rows[0].claim,
        model,
        id,
        vector,
      ]);
    const remove = () => app.query("delete from public.posts where id = $1", [id]);
    await worker.query("begin");
    await app.query("begin");
    // the second one waits for the first, or passes it by
    const [first, second] = workerFirst ? [complete, remove] : [remove, complete];
    await first();
    const waiting = second();
    await pool.query("select recsys.erase()");
    await (workerFirst ? worker : app).query("commit");
    await waiting;
    await (workerFirst ? app : worker).query("commit");
    await workOff(pool);
    assert.deepEqual(await tablesWith(pool, id), [], workerFirst ? "worker first" : "deletion first");
    worker.release();
    app.release();
  }
});

test("what was begun before a deletion and is written after it goes the day after", async () => {
  await pool.query("delete from public.posts where id = $1", [post(1)]);
  await pool.query("select recsys.erase()");
  // a publish that had read the post, a feed that had shown it
  const { rows } = await pool.query("select recsys_engine.create_model('being published', '{}', '', '{}')::int as id");
  await pool.query(
    `insert into recsys_engine.post_embeddings_${rows[0].id} (model_id, post_id, embedding) values ($1, $2, $3)`,
    [rows[0].id, post(1), vector],
  );
  await pool.query(
    "insert into recsys.impressions (request_id, user_id, post_id, position, shown_at) values (gen_random_uuid(), $1, $2, 1, now())",
    [people.ben, post(1)],
  );
  await pool.query("select recsys.erase()");
  assert.equal((await pool.query("select from recsys.erasures")).rowCount, 1, "not before");
  await workOff(pool);
  assert.deepEqual(await tablesWith(pool, post(1)), []);
});

test("what the app has again under the same id begins from scratch and is left alone afterwards", async () => {
  await pool.query("delete from public.posts where id = $1", [post(1)]);
  const insert = () =>
    pool.query("insert into public.posts (id, author_id, title) values ($1, $2, 'again')", [post(1), people.author]);
  await insert();
  await pool.query("select recsys.erase()");
  const state = async () => [
    (await pool.query("select from recsys.post_embeddings where post_id = $1", [post(1)])).rowCount,
    (await pool.query("select from recsys_engine.embedding_jobs where entity_id = $1", [post(1)])).rowCount,
  ];
  assert.deepEqual(await state(), [0, 1], "the old vector goes, the new text waits for one");
  await pool.query("insert into recsys.post_embeddings (model_id, post_id, embedding) values ($1, $2, $3)", [
    model,
    post(1),
    vector,
  ]);
  await workOff(pool);
  assert.deepEqual(await state(), [1, 1]);
  assert.equal((await pool.query("select from recsys.erasures")).rowCount, 0);
});

test("a project that goes, an edit and a deletion that is rolled back erase nobody", async () => {
  await pool.query("insert into public.projects (owner_id, title) values ($1, 'a')", [people.ada]);
  await pool.query("delete from public.projects");
  await pool.query("update public.profiles set bio = 'x'");
  await pool.query("begin; delete from public.profiles; rollback");
  assert.equal((await pool.query("select from recsys.erasures")).rowCount, 0);
});

test("one who erases holds up neither deletions, feeds nor workers, and two share the work", { skip }, async () => {
  await pool.query("delete from public.posts where id = any($1)", [[post(1), post(2)]]);
  const [slow, other] = [await pool.connect(), await pool.connect()];
  await slow.query("begin; select recsys.erase()");
  await other.query("set statement_timeout = '2s'");
  await other.query("delete from public.posts where id = $1", [post(3)]);
  await other.query("select from recsys_engine.retrieve($1, $2, $3, now())", [people.ada, model, vector]);
  await other.query(
    "insert into recsys.impressions (request_id, user_id, post_id, position, shown_at) values (gen_random_uuid(), $1, $2, 1, now())",
    [people.ada, post(4)],
  );
  await other.query(
    "select recsys_engine.complete_embedding_jobs(claim, $1, array[kind], array[entity_id], array[$2]) from recsys_engine.claim_embedding_jobs(10, '1 minute')",
    [model, vector],
  );
  await other.query("set statement_timeout = 0");
  const second = other.query("select recsys.erase()");
  await slow.query("commit");
  await second;
  slow.release();
  other.release();
  await workOff(pool);
  for (const id of [post(1), post(2), post(3)]) assert.deepEqual(await tablesWith(pool, id), []);
});

test("who left more rows than are erased at a time is erased in portions, and those who wait come in between", async () => {
  const rows = 3_500;
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at)
     select gen_random_uuid(), $1, $2, 1, now() - n % 60 * interval '1 day' from generate_series(1, $3::integer) as n`,
    [people.ada, post(3), rows],
  );
  await pool.query("insert into recsys.erasures (kind, entity_id) values ('user', $1)", [people.ada]);
  const erase = async () =>
    Number((await pool.query("select recsys.erase(10000, '1 day', 1000) as removed")).rows[0].removed);
  const left = async () =>
    (await pool.query("select from recsys.impressions where user_id = $1", [people.ada])).rowCount ?? 0;
  assert.equal(await erase(), 1000);
  // among them what is known of her besides what she was shown
  assert.ok((await left()) >= rows - 1000);
  await pool.query("insert into recsys.dismissals values ($1, $2, now())", [people.ben, post(3)]);
  await pool.query("insert into recsys.erasures (kind, entity_id) values ('user', $1)", [people.ben]);
  let calls = 0;
  while ((await pool.query("select from recsys.erasures where erased_at is null")).rowCount) {
    assert.ok((await erase()) <= 1000 && calls++ < 10);
    assert.equal((await pool.query("select from recsys.dismissals")).rowCount, 0, "the next one's");
  }
  assert.equal(await left(), 0);
});

test("whose erasure reaches a statement limit is tried after all others, fewer and fewer together", {
  skip,
}, async () => {
  const gone = Array.from({ length: 6 }, (_, n) => uuid("9", n));
  await pool.query("insert into recsys.dismissals select unnest($1::uuid[]), $2, now()", [gone, post(3)]);
  await pool.query("insert into recsys.erasures (kind, entity_id) select 'user', unnest($1::uuid[])", [gone]);
  await pool.query(`
    create function public.slow() returns trigger language plpgsql as
    $$ begin if old.user_id = '${gone[2]}' then perform pg_sleep(10); end if; return old; end $$;
    create trigger slow before delete on recsys.dismissals for each row execute function public.slow()`);
  const session = await pool.connect();
  try {
    await session.query("set statement_timeout = '1s'");
    const waiting = async () =>
      (await pool.query("select entity_id from recsys.erasures where erased_at is null")).rows.map(
        ({ entity_id }) => entity_id,
      );
    for (let calls = 0; (await waiting()).length > 1; calls++) {
      assert.ok(calls < 40);
      await session.query("select recsys.erase(8)");
    }
    assert.deepEqual(await waiting(), [gone[2]]);
  } finally {
    session.release(true);
    await pool.query("drop trigger slow on recsys.dismissals; drop function public.slow()");
  }
  await pool.query("select recsys.erase()");
  assert.equal((await pool.query("select from recsys.dismissals")).rowCount, 0);
});
