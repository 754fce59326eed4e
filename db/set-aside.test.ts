// What the roll-up cannot digest is set aside, with its reason; everybody else's states go on, and no change is lost.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type pg from "pg";
import type { Database } from "./connect.ts";
import { onBoth, testDatabase, withoutPostgres } from "./testing.ts";

const noPostgres = await withoutPostgres();

const person = (number: number) => `00000000-0000-4000-8000-0000000001${String(number).padStart(2, "0")}`;
const post = (number: number) => `00000000-0000-4000-8000-0000000002${String(number).padStart(2, "0")}`;

/**
 * 20 people and 40 posts; all but the first person viewed 10. The views read authors and times out of texts, as an
 * adopter's may: the title and the value say so.
 */
async function community({ pool }: Pick<Database, "pool">): Promise<void> {
  await pool.query(`
    create or replace view recsys.source_posts with (security_invoker = true) as
    select id as post_id, external_id, case when title like 'by %' then substr(title, 4)::uuid else author_id end as author_id,
      title, description, tags, created_at, language
    from public.posts;
    create or replace view recsys.source_interactions with (security_invoker = true) as
    select id as interaction_id, user_id, post_id, 'view' as kind, value,
      case when value = 666 then 'the beast'::text::timestamptz else created_at end as created_at, null::real as weight
    from public.post_views
    union all
    select id, user_id, post_id, 'vote', value, created_at, null from public.post_votes;
    select recsys.watch('public.posts', 'posts', p_texts => '{title}', p_others => '{title}');
    select recsys.watch('public.post_views', 'interactions', p_others => '{value}');
    insert into public.profiles (id) select ('${person(0).slice(0, -2)}' || n)::uuid from generate_series(10, 29) as n;
    insert into public.posts (id, title, created_at)
    select ('${post(0).slice(0, -2)}' || n)::uuid, 'a post', now() - interval '9 days' from generate_series(10, 49) as n;
    insert into public.post_views (user_id, post_id, created_at)
    select ('${person(0).slice(0, -2)}' || u)::uuid, ('${post(0).slice(0, -2)}' || 10 + (u * 7 + n) % 40)::uuid, now() - (u + n) * interval '1 hour'
    from generate_series(11, 29) as u, generate_series(0, 9) as n;
    select recsys.roll_up()`);
}

async function failures({ pool }: Pick<Database, "pool">) {
  const { rows } = await pool.query(
    "select kind, entity_id, error_code, failures from recsys.feature_store_failures order by kind, entity_id",
  );
  return rows as { kind: string; entity_id: string; error_code: string; failures: number }[];
}

const viewAll = (posts: string) =>
  `insert into public.post_views (user_id, post_id) select '${person(10)}', id from public.posts where ${posts}`;

async function assertMended({ pool }: Pick<Database, "pool">): Promise<void> {
  assert.deepEqual(await failures({ pool }), []);
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
  assert.equal((await pool.query("select from recsys_engine.feature_changes")).rowCount, 0);
}

/** Posts and users with a state for their latest view. */
async function upToDate({ pool }: Pick<Database, "pool">): Promise<{ posts: number; users: number }> {
  const { rows } = await pool.query(`
    with latest as (select post_id, user_id, id from public.post_views where created_at > now() - interval '1 minute')
    select
      (select count(*)::integer from latest join recsys_engine.post_stats on interaction_id = latest.id) as posts,
      (select count(distinct latest.user_id)::integer from latest join recsys_engine.user_stats on event_id = latest.id::text) as users`);
  return rows[0];
}

await onBoth(
  "a post that cannot be read, and users who interacted with it, are set aside; the others go on",
  async (t, database) => {
    const { pool } = database;
    await community(database);
    const readers = (
      await pool.query("select distinct user_id from public.post_views where post_id = $1 order by user_id", [post(12)])
    ).rows.map(({ user_id }) => user_id);
    assert.ok(readers.length > 2);
    const expected = (failures: number, users: string[]) => [
      { kind: "post", entity_id: post(12), error_code: "22P02", failures },
      ...users.map((entity_id) => ({ kind: "user", entity_id, error_code: "22P02", failures: 1 })),
    ];

    await t.test("in the same call", async () => {
      await pool.query("update public.posts set title = 'by Easter' where id = $1", [post(12)]);
      await pool.query(
        `insert into public.post_views (user_id, post_id) select '${person(99)}', id from public.posts where false`,
      );
      await pool.query(
        `with reader as (insert into public.profiles (id) values ('${person(50)}') returning id)
       insert into public.logins (user_id) select id from reader`,
      );
      await pool.query(
        `insert into public.post_views (user_id, post_id) select '${person(50)}', id from public.posts where id <> '${post(12)}'`,
      );
      await pool.query("select recsys.roll_up()");
      assert.deepEqual(await failures(database), expected(1, []));
      assert.deepEqual(await upToDate(database), { posts: 39, users: 1 });
      const { rows } = await pool.query("select reason, behind from recsys.feature_store_failures");
      assert.match(rows[0].reason, /invalid input syntax for type uuid: "Easter"/);
    });
    await t.test("nothing new, nothing tried", async () => {
      assert.equal((await pool.query("select recsys.roll_up() as written")).rows[0].written, 0);
      assert.deepEqual(await failures(database), expected(1, []));
    });
    await t.test("when it changes again it is tried again, alone, and so are its new readers", async () => {
      await pool.query(viewAll(`id = '${post(12)}' or id = '${post(13)}'`));
      await pool.query("select recsys.roll_up()");
      assert.deepEqual(await failures(database), expected(2, [person(10)]));
      assert.deepEqual(await upToDate(database), { posts: 40, users: 1 });
    });
    await t.test("when it is mended it goes on by itself, and so do they", async () => {
      await pool.query(`update public.posts set title = 'by ${person(10)}' where id = $1`, [post(12)]);
      await pool.query("select recsys.roll_up()");
      await assertMended(database);
    });
  },
);

await onBoth("one view that cannot be read among many", async (t, database) => {
  const { pool } = database;
  await community(database);
  await pool.query(viewAll("true"));
  await pool.query("update public.post_views set value = 666 where id = (select max(id) from public.post_views)");
  const { rows: broken } = await pool.query("select post_id from public.post_views where value = 666");
  await pool.query("select recsys.roll_up()");
  assert.deepEqual(
    (await failures(database)).map(({ kind, entity_id }) => [kind, entity_id]),
    [
      ["post", broken[0].post_id],
      ["user", person(10)],
    ],
  );
  assert.equal((await upToDate(database)).posts, 39);
  await t.test("is worked off when the cause is mended and the DBA says so", async () => {
    await pool.query(
      `create or replace view recsys.source_interactions with (security_invoker = true) as
       select id as interaction_id, user_id, post_id, 'view' as kind, value, created_at, null::real as weight from public.post_views
       union all select id, user_id, post_id, 'vote', value, created_at, null from public.post_votes`,
    );
    const { rows } = await pool.query(
      "select obj_description('recsys_engine.failed_feature_changes'::regclass) as comment",
    );
    const statement = /insert into recsys_engine\.feature_changes.*failed_feature_changes/.exec(rows[0].comment)?.[0];
    await pool.query(statement as string);
    await pool.query("select recsys.roll_up()");
    await assertMended(database);
  });
});

test("times and ids that break the sums of others are set aside as well", async (t) => {
  const database = await testDatabase(t, "set_aside");
  const { pool } = database;
  await community(database);
  await pool.query("alter table public.post_views drop constraint post_views_created_at_check");
  // a view without an end in time, and a vote with the id of a view
  await pool.query(
    `insert into public.post_views (user_id, post_id, created_at) values ('${person(11)}', '${post(20)}', 'infinity')`,
  );
  await pool.query(
    `insert into public.post_votes (id, user_id, post_id) select max(id), '${person(12)}', '${post(21)}' from public.post_views where post_id = '${post(21)}'`,
  );
  await pool.query(viewAll("true"));
  await pool.query(`insert into recsys_engine.feature_changes (post_id) values ('${post(21)}')`);
  await pool.query("select recsys.roll_up()");
  assert.deepEqual(
    (await failures(database))
      .filter(({ kind }) => kind === "post")
      .map(({ entity_id, error_code }) => [entity_id, error_code]),
    [
      [post(20), "23514"],
      [post(21), "21000"],
    ],
  );
  assert.equal((await upToDate(database)).posts, 38);
  await pool.query("delete from public.post_views where created_at = 'infinity'; delete from public.post_votes");
  await pool.query("select recsys.roll_up()");
  await assertMended(database);
});

test("where every third post fails, the cost is bounded and nothing is lost", async (t) => {
  const database = await testDatabase(t, "set_aside");
  const { pool } = database;
  await community(database);
  await pool.query(
    "update public.posts set title = 'by Easter' where id in (select id from public.posts order by id limit 13)",
  );
  await pool.query(viewAll("true"));
  const bad = "select array_agg(id) as ids from public.posts where title = 'by Easter'";
  await t.test("time is up: what was not tried yet is queued again", async () => {
    const { rows } = await pool.query("select array_agg(id order by id) as ids from public.posts");
    await pool.query("truncate recsys_engine.feature_changes");
    await pool.query(
      "select recsys_engine.recompute_states('post', $1::uuid[], array_fill('-infinity'::timestamptz, array[40]), '{}', '{}', '{}', false, '-infinity')",
      [rows[0].ids],
    );
    assert.equal((await failures(database)).length, 1, "one is known at least");
    const { rows: queued } = await pool.query(
      "select distinct post_id from recsys_engine.feature_changes where at = '-infinity'",
    );
    assert.equal(queued.length, 39);
  });
  await pool.query("select recsys.roll_up()");
  const found = (await failures(database)).filter(({ kind }) => kind === "post");
  assert.deepEqual(found.map(({ entity_id }) => entity_id).sort(), (await pool.query(bad)).rows[0].ids.sort());
  await pool.query("update public.posts set title = 'a post'");
  await pool.query("select recsys.roll_up()");
  await assertMended(database);
});

test("what is no row's fault ends the roll-up and sets nothing aside", {
  skip: noPostgres,
}, async (t: TestContext) => {
  const sessions: pg.PoolClient[] = [];
  // before the database closes, which waits for them
  t.after(() => {
    for (const session of sessions) session.release(true);
  });
  const database = await testDatabase(t, "set_aside");
  const { pool } = database;
  await community(database);
  await pool.query(viewAll("true"));
  const queued = async () => (await pool.query("select from recsys_engine.feature_changes")).rowCount;
  const before = await queued();
  const unharmed = async (code: string, rollUp: () => Promise<unknown>) => {
    await assert.rejects(rollUp, { code });
    assert.deepEqual(await failures(database), []);
    assert.equal(await queued(), before);
  };
  const [other, roller] = [await pool.connect(), await pool.connect()];
  sessions.push(other, roller);
  await t.test("a lock that is not to be had", async () => {
    await other.query("begin; lock table recsys_engine.post_stats in exclusive mode");
    await roller.query("set lock_timeout = '50ms'");
    await unharmed("55P03", () => roller.query("select recsys.roll_up()"));
  });
  await t.test("a cancellation, before any statement limit", async () => {
    await roller.query("set lock_timeout = 0; set statement_timeout = '1min'");
    const { rows } = await roller.query("select pg_backend_pid() as process");
    await unharmed("57014", async () => {
      const rolledUp = roller.query("select recsys.roll_up()");
      await Promise.all([
        rolledUp,
        setTimeout(100).then(() => other.query("select pg_cancel_backend($1)", [rows[0].process])),
      ]);
    });
  });
  await t.test("an end of the session", async () => {
    const session = await pool.connect();
    const { rows } = await session.query("select pg_backend_pid() as process");
    const ended = assert.rejects(session.query("select recsys.roll_up()"));
    await setTimeout(100);
    await other.query("select pg_terminate_backend($1)", [rows[0].process]);
    await ended;
    session.release(true);
    assert.deepEqual([await failures(database), await queued()], [[], before]);
  });
  await other.query("rollback");
  for (const code of ["40001", "40P01", "42501", "42P01", "53100", "55006", "58030", "XX000"])
    await t.test(`an error ${code}`, async () => {
      await pool.query(`
        create or replace function public.fail() returns trigger language plpgsql as
        $$ begin raise exception 'no' using errcode = '${code}'; end $$;
        create or replace trigger fail before insert on recsys_engine.user_stats for each row execute function public.fail()`);
      await unharmed(code, () => pool.query("select recsys.roll_up()"));
    });
  await pool.query("drop trigger fail on recsys_engine.user_stats");
  await pool.query("select recsys.roll_up()");
  await assertMended(database);
});
