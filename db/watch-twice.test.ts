// recsys.watch called several times for one table: which calls hold side by side, which replace an earlier one, and how each is ended.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Database } from "./connect.ts";
import { onBoth, testDatabase } from "./testing.ts";

const id = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

/** Notes that answer one note and pass on another, and trades that two people are in: views of all of it. */
async function useNotes({ pool }: Database): Promise<void> {
  await pool.query(`
    create schema notes;
    create table notes.note (id uuid primary key, "userId" uuid, "replyId" uuid, "renoteId" uuid, words text, "at" timestamptz not null, sent_at timestamptz);
    create table notes.links (id bigint primary key, one uuid, other uuid, label text, seller uuid, buyer uuid, "at" timestamptz not null default now());
    create or replace view recsys.source_posts with (security_invoker = true) as
    select id as post_id, null::text as external_id, "userId" as author_id, words as title,
      (select string_agg(label, ' ') from notes.links where note.id in (one, other)) as description, '{}'::text[] as tags, "at" as created_at, null::text as language
    from notes.note;
    create or replace view recsys.source_interactions with (security_invoker = true) as
    select recsys.event_id_of(1, id::text) as interaction_id, "userId" as user_id, "replyId" as post_id, 'comment' as kind, null::real as value, "at" as created_at, null::real as weight
    from notes.note where "replyId" is not null
    union all
    select recsys.event_id_of(2, id::text), "userId", "renoteId", 'vote', null, "at", null from notes.note where "renoteId" is not null
    union all
    select recsys.event_id_of(3, id), seller, one, 'view', null, "at", null from notes.links where seller is not null
    union all
    select recsys.event_id_of(4, id), buyer, one, 'vote', null, "at", null from notes.links where buyer is not null;
    insert into notes.note (id, "userId", words, "at") select ('${id(0).slice(0, -2)}' || n)::uuid, ('${id(0).slice(0, -2)}' || 10 + n % 5)::uuid, 'x', now() - interval '9 days' from generate_series(30, 39) as n;
    select recsys.watch('notes.note', 'posts', p_author_id => 'userId', p_created_at => 'at', p_texts => '{words}')`);
}

const replies =
  "select recsys.watch('notes.note', 'interactions', p_user_id => 'userId', p_post_id => 'replyId', p_created_at => 'at')";
const renotes = replies.replace("replyId", "renoteId");
const sold =
  "select recsys.watch('notes.links', 'interactions', p_user_id => 'seller', p_post_id => 'one', p_created_at => 'at')";
const bought = sold.replace("seller", "buyer");
const labels = ["one", "other"].map(
  (column) => `select recsys.watch('notes.links', 'post_texts', p_post_id => '${column}', p_texts => '{label}')`,
);

const changes = {
  "a note answers one": `insert into notes.note values ('${id(50)}', '${id(11)}', '${id(31)}', null, 'so', now())`,
  "a note passes one on": `insert into notes.note values ('${id(51)}', '${id(12)}', null, '${id(32)}', '', now())`,
  "a note does both": `insert into notes.note values ('${id(52)}', '${id(13)}', '${id(31)}', '${id(32)}', 'and', now())`,
  "it answers another": `update notes.note set "replyId" = '${id(33)}' where id = '${id(52)}'`,
  "it passes another on": `update notes.note set "renoteId" = '${id(34)}' where id = '${id(52)}'`,
  "a trade of two people": `insert into notes.links values (1, '${id(31)}', '${id(32)}', 'see', '${id(10)}', '${id(14)}')`,
  "another sells": "update notes.links set seller = null",
  "another buys": `update notes.links set buyer = '${id(12)}'`,
  "the note goes": `delete from notes.note where id = '${id(52)}'`,
};

async function assertFollowed(t: TestContext, { pool }: Database): Promise<void> {
  for (const [name, change] of Object.entries(changes))
    await t.test(name, async () => {
      await pool.query(change);
      await pool.query("select recsys.roll_up()");
      assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
    });
}

const watched = async ({ pool }: Database) =>
  (
    await pool.query(
      "select table_name || ': ' || concat_ws(' ', kind, user_column, post_column, others) as line from recsys.watches order by 1",
    )
  ).rows
    .map(({ line }) => line)
    .filter((line) => line.startsWith("notes."));

await onBoth(
  "two references in one table are both followed, in whatever order they are watched",
  async (t, database) => {
    await useNotes(database);
    for (const call of [replies, renotes, sold, bought, ...labels, renotes, replies]) await database.pool.query(call);
    assert.deepEqual(await watched(database), [
      "notes.links: interactions buyer one {}",
      "notes.links: interactions seller one {}",
      "notes.links: post_texts one {}",
      "notes.links: post_texts other {}",
      "notes.note: interactions userId renoteId {}",
      "notes.note: interactions userId replyId {}",
      "notes.note: posts userId id {}",
    ]);
    await assertFollowed(t, database);
    await database.pool.query("delete from recsys_engine.embedding_jobs; update notes.links set label = 'else'");
    const { rows } = await database.pool.query("select entity_id from recsys_engine.embedding_jobs order by 1");
    assert.deepEqual(
      rows.map(({ entity_id }) => entity_id),
      [id(31), id(32)],
      "the words of both posts changed",
    );
  },
);

test("posts whose rows are watched as texts of other posts keep their own texts and tags", async (t) => {
  const database = await testDatabase(t, "watch_twice");
  const { pool } = database;
  await useNotes(database);
  await pool.query("select recsys.watch('notes.note', 'post_texts', p_post_id => 'replyId', p_texts => '{words}')");
  await pool.query("delete from recsys_engine.embedding_jobs");
  await pool.query(`update notes.note set words = 'y', "replyId" = '${id(31)}' where id = '${id(30)}'`);
  const { rows } = await pool.query("select entity_id from recsys_engine.embedding_jobs order by 1");
  assert.deepEqual(
    rows.map(({ entity_id }) => entity_id),
    [id(30), id(31)],
  );
});

test("the same call again changes nothing but what it says otherwise", async (t) => {
  const database = await testDatabase(t, "watch_again");
  const { pool } = database;
  await useNotes(database);
  const triggers = async () =>
    (
      await pool.query(
        "select pg_get_triggerdef(oid) as it from pg_trigger where tgrelid = 'notes.note'::regclass order by 1",
      )
    ).rows;
  await pool.query(replies);
  const before = await triggers();
  await pool.query(replies);
  assert.deepEqual(await triggers(), before);
  await pool.query(replies.replace("'at')", "'at', p_others => '{words}')"));
  assert.deepEqual(await watched(database), [
    "notes.note: interactions userId replyId {words}",
    "notes.note: posts userId id {}",
  ]);
  assert.equal((await triggers()).length, before.length);
});

test("a watch that is called again after its view changed recomputes those whom the view has lost", async (t) => {
  const database = await testDatabase(t, "watch_lost");
  const { pool } = database;
  await useNotes(database);
  await pool.query(`${replies}; ${changes["a note answers one"]}; select recsys.roll_up()`);
  await pool.query(`create or replace view recsys.source_interactions with (security_invoker = true) as
    select recsys.event_id_of(1, id::text) as interaction_id, "userId" as user_id, "replyId" as post_id, 'comment' as kind, null::real as value, "at" as created_at, null::real as weight
    from notes.note where "replyId" is not null and words <> 'so'`);
  await pool.query(replies.replace("'at')", "'at', p_others => '{words}')"));
  await pool.query("select recsys.roll_up()");
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
});

await onBoth("what is no longer watched leaves nothing behind", async (_, database) => {
  const { pool } = database;
  await useNotes(database);
  for (const call of [replies, renotes, sold, bought, ...labels]) await pool.query(call);
  for (const change of Object.values(changes)) await pool.query(change);
  await pool.query("select recsys.roll_up()");
  const unwatch = async (call: string) => (await pool.query(`select recsys.unwatch(${call}) as number`)).rows[0].number;
  assert.equal(await unwatch("'notes.note', 'interactions', p_post_id => 'replyId'"), 1);
  assert.deepEqual(
    (await watched(database)).filter((line) => line.startsWith("notes.note")),
    ["notes.note: interactions userId renoteId {}", "notes.note: posts userId id {}"],
  );
  assert.equal(await unwatch("'notes.note', 'interactions', p_post_id => 'replyId'"), 0, "a migration that runs again");
  assert.equal(await unwatch("'notes.links'"), 4);
  // the view has lost the table, before or after
  await pool.query(`create or replace view recsys.source_interactions with (security_invoker = true) as
    select recsys.event_id_of(2, id::text) as interaction_id, "userId" as user_id, "renoteId" as post_id, 'vote' as kind, null::real as value, "at" as created_at, null::real as weight
    from notes.note where "renoteId" is not null`);
  await pool.query("select recsys.roll_up()");
  assert.deepEqual((await pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
  assert.equal(await unwatch("'notes.note'"), 2);
  const { rows } = await pool.query(
    "select tgname from pg_trigger where tgrelid in ('notes.note'::regclass, 'notes.links'::regclass) and not tgisinternal",
  );
  assert.deepEqual(rows, []);
  await assert.rejects(unwatch("null"), /the table is null/);
  await assert.rejects(unwatch("'notes.nowhere'"), /does not exist/);
});

test("a column that is renamed or goes: the watch is ended or replaced, and the app writes again", async (t) => {
  const database = await testDatabase(t, "watch_gone");
  const { pool } = database;
  await useNotes(database);
  await pool.query(`${replies}; ${renotes}; ${changes["a note answers one"]}; select recsys.roll_up()`);
  await pool.query(`alter table notes.note rename column "replyId" to "answer to"`);
  await assert.rejects(pool.query(changes["a note passes one on"]), /column "replyId" does not exist/);
  const found = (await pool.query("select problem, cure from recsys_engine.check_upkeep() where stops")).rows;
  assert.equal(found.length, 1, JSON.stringify(found));
  assert.match(found[0].problem, /^recsys\.watch follows notes\.note by a column that is gone/);
  await pool.query(replies.replace("replyId", "answer to"));
  assert.deepEqual((await pool.query("select from recsys_engine.check_upkeep() where stops")).rows.length, 0);
  await pool.query(changes["a note passes one on"]);
  await pool.query(`create or replace view recsys.source_interactions with (security_invoker = true) as
    select recsys.event_id_of(2, id::text) as interaction_id, "userId" as user_id, "renoteId" as post_id, 'vote' as kind, null::real as value, "at" as created_at, null::real as weight
    from notes.note where "renoteId" is not null;
    alter table notes.note drop column "answer to"`);
  const [gone] = (await pool.query("select cure from recsys_engine.check_upkeep() where stops")).rows;
  await pool.query(gone.cure);
  await pool.query(`insert into notes.note (id, "userId", words, "at") values ('${id(60)}', '${id(11)}', 'on', now())`);
});

test("names of columns that nobody expects are told apart", async (t) => {
  const database = await testDatabase(t, "watch_names");
  const { pool } = database;
  const names = [
    "a_b",
    "a",
    "b_c",
    `it's "odd"`,
    "with\nlines",
    "back\\000slash",
    "ünïcödé",
    `${"x".repeat(60)}1`,
    `${"x".repeat(60)}2`,
  ];
  const quoted = names.map((name) => `"${name.replaceAll('"', '""')}"`);
  await pool.query(
    `create table public.odd (id bigint, user_id uuid, created_at timestamptz, ${quoted.map((name) => `${name} bigint`).join(", ")})`,
  );
  for (const name of names)
    await pool.query("select recsys.watch('public.odd', 'interactions', p_post_id => $1)", [name]);
  const { rows } = await pool.query(
    "select count(*)::int as watches, count(distinct post_column)::int as columns from recsys.watches where table_name = 'public.odd'::regclass",
  );
  assert.deepEqual(rows, [{ watches: names.length, columns: names.length }]);
  await pool.query(`insert into public.odd (id, user_id, created_at, ${quoted[4]}) values (1, '${id(1)}', now(), 7)`);
  assert.equal((await pool.query("select recsys.unwatch('public.odd') as n")).rows[0].n, names.length);
});

await onBoth("check says which of two calls is missing, and its cure follows it", async (t, database) => {
  const { pool } = database;
  await useNotes(database);
  await pool.query(
    `insert into auth.users (id) select ('${id(0).slice(0, -2)}' || n)::uuid from generate_series(10, 20) as n;
     alter table notes.note add foreign key ("userId") references auth.users, add foreign key ("replyId") references notes.note on delete set null,
       add foreign key ("renoteId") references notes.note on delete set null`,
  );
  const missing = async () =>
    (
      await pool.query<{ problem: string; cure: string }>("select problem, cure from recsys_engine.check_upkeep()")
    ).rows.filter(
      ({ problem, cure }) => /nobody follows$/.test(problem) && /^select/.test(cure) && /note\b/.test(problem),
    );
  assert.deepEqual(await missing(), [
    {
      problem: `recsys.source_interactions reads "renoteId" of notes.note, whose changes nobody follows`,
      cure: renotes.replace(", p_created_at => 'at'", `, p_created_at => 'at', p_others => '{replyId}'`),
    },
    {
      problem: `recsys.source_interactions reads "replyId" of notes.note, whose changes nobody follows`,
      cure: replies.replace(", p_created_at => 'at'", `, p_created_at => 'at', p_others => '{renoteId}'`),
    },
  ]);
  await pool.query(replies);
  assert.deepEqual(
    (await missing()).map(({ problem }) => problem),
    [`recsys.source_interactions reads "renoteId" of notes.note, whose changes nobody follows`],
  );
  for (const { cure } of await missing()) await pool.query(cure);
  assert.deepEqual(await missing(), []);
  for (const call of [sold, bought]) await pool.query(call);
  await assertFollowed(t, database);
});

test("what names a partition is followed where that is watched too, and nothing is queued twice", async (t) => {
  const { pool } = await testDatabase(t, "watch_partition");
  await pool.query(`
    create table public.reads (id bigint, user_id uuid, post_id uuid, created_at timestamptz not null default now(), primary key (id, created_at)) partition by range (created_at);
    create table public.reads_now partition of public.reads for values from ('2000-01-01') to ('2100-01-01');
    select recsys.watch('public.reads', 'interactions')`);
  const queued = async (table: string) => {
    await pool.query("delete from recsys_engine.feature_changes");
    await pool.query(
      `insert into ${table} select 1 + coalesce(max(id), 0), '${id(10)}', '${id(30)}' from public.reads`,
    );
    return (await pool.query("select from recsys_engine.feature_changes")).rowCount;
  };
  assert.deepEqual([await queued("public.reads"), await queued("public.reads_now")], [1, 0]);
  await pool.query("select recsys.watch('public.reads_now', 'interactions')");
  assert.deepEqual([await queued("public.reads"), await queued("public.reads_now")], [1, 1]);
});
