/**
 * Every statement that recsys.check() prints, on unusual names: it runs as it stands, its line disappears, and it
 * opens no more rows than the views do.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type pg from "pg";
import type { CheckRow } from "../cli/commands/check.ts";
import { onBoth, testDatabase } from "./testing.ts";

const id = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;

/**
 * People, posts, a vote and a visit, with a secret in each table, and tables of the same names elsewhere. No role
 * has any grant.
 */
const hostile = `
  create schema "odd; sch.ema";
  create schema "order";
  create table public."user" (id uuid primary key, "e""mail" text, encrypted_password text, "the ""name"".x" text, "since
when" timestamptz not null default now() - interval '90 days');
  create table "odd; sch.ema"."order" (id uuid primary key, "user" uuid references public."user", "a;title" text, "the secret" text, "select" timestamptz not null);
  create table "odd; sch.ema"."Mixed Case" (id bigint primary key, "Who?" uuid references public."user", "to.what" uuid references "odd; sch.ema"."order", ip text, created_at timestamptz not null default now());
  create table "odd; sch.ema"."it's a ""visit"".of
two lines" (id bigint primary key, "who
se" uuid references public."user", ip text, created_at timestamptz not null default now());
  create table "odd; sch.ema"."drop table ""user""; --" ("member
of" uuid, "group" bigint, since text);
  create table "odd; sch.ema"."back\\slash" ("a\\000b" bigint, note text);
  create table "order"."user" (id uuid, "Who?" uuid, encrypted_password text);
  create table "order"."order" (id uuid, "a;title" text);
  create table "order"."Mixed Case" (id uuid);
  create function "odd; sch.ema"."is it?"(uuid, "order"."user") returns boolean language plpgsql stable as 'begin return true; end';
  create function "odd; sch.ema"."is it?"(uuid) returns boolean language plpgsql stable as 'begin return true; end';
  revoke execute on all functions in schema "odd; sch.ema" from public;
  revoke all on all tables in schema public from authenticated, anon, service_role;
  do $$ declare made regclass; begin
    for made in select oid from pg_class where relnamespace = any (array['public', '"odd; sch.ema"', '"order"']::regnamespace[]) and relkind = 'r' loop
      execute format('alter table %s enable row level security', made);
    end loop;
  end $$;
  create policy "all of them" on public."user" for select to authenticated using ("odd; sch.ema"."is it?"(id));
  create policy "in a group" on "odd; sch.ema"."order" for select to authenticated using (
    "the secret" is null and exists (select from "odd; sch.ema"."drop table ""user""; --" as member where member."member
of" = (select auth.uid()) and "group" > 0) or "user" is not null);
  create policy "of a slash" on "odd; sch.ema"."drop table ""user""; --" for select using (exists (select from "odd; sch.ema"."back\\slash" as back where back."a\\000b" = "group"));
  create policy "all" on "odd; sch.ema"."back\\slash" for select using (true);
  create policy "own" on "odd; sch.ema"."Mixed Case" for select to authenticated using ("Who?" = (select auth.uid()));
  insert into public."user" (id) select ('${id(0).slice(0, -2)}' || n)::uuid from generate_series(10, 20) as n;
  insert into "odd; sch.ema"."order" select ('${id(0).slice(0, -2)}' || 30 + n % 10)::uuid, '${id(10)}', 'x', null, now() - interval '9 days' from generate_series(1, 10) as n;
  insert into "odd; sch.ema"."Mixed Case" select n, ('${id(0).slice(0, -2)}' || 10 + n % 10)::uuid, ('${id(0).slice(0, -2)}' || 30 + n % 10)::uuid, repeat('i', 60) from generate_series(1, 2000) as n;
  insert into "odd; sch.ema"."it's a ""visit"".of
two lines" select n, ('${id(0).slice(0, -2)}' || 10 + n % 10)::uuid, repeat('i', 60) from generate_series(1, 2000) as n;
  create or replace view recsys.source_users with (security_invoker = true) as
  select id as user_id, null::text as external_id, null::text[] as passions, null::text[] as projects, "the ""name"".x" as bio, "since
when" as created_at from public."user";
  create or replace view recsys.source_posts with (security_invoker = true) as
  select id as post_id, null::text as external_id, "user" as author_id, "a;title" as title, '' as description, '{}'::text[] as tags, "select" as created_at, null::text as language from "odd; sch.ema"."order";
  create or replace view recsys.source_interactions with (security_invoker = true) as
  select id as interaction_id, "Who?" as user_id, "to.what" as post_id, 'view' as kind, null::real as value, created_at, null::real as weight from "odd; sch.ema"."Mixed Case";
  create or replace view recsys.source_logins with (security_invoker = true) as
  select id as login_id, "who
se" as user_id, created_at from "odd; sch.ema"."it's a ""visit"".of
two lines";
  create or replace view recsys.source_dismissals with (security_invoker = true) as select user_id, post_id, created_at from recsys.dismissals;
  create or replace view recsys.source_mutes with (security_invoker = true) as select null::uuid as user_id, null::text as kind, null::text as value, null::timestamptz as created_at where false;
  create or replace view recsys.source_follows with (security_invoker = true) as select null::uuid as user_id, null::text as kind, null::text as target, null::timestamptz as created_at where false;
  create or replace view recsys.source_preferences with (security_invoker = true) as select null::uuid as user_id, null::text as kind, null::text as value where false;
  create or replace view recsys.source_withheld with (security_invoker = true) as select null::uuid as post_id, null::uuid as author_id where false;
  create or replace view recsys.source_conversations with (security_invoker = true) as select null::uuid as post_id, null::text as conversation where false;
  analyze`;

/** What the roles may read outside of the engine, as lines. */
async function readable(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query(
    `select format('%s: %s.%s', role, pg_class.relname, attname) as line
     from unnest('{anon,authenticated,service_role}'::text[]) as role cross join pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0
     where relnamespace = any (array['public', '"odd; sch.ema"', '"order"']::regnamespace[]) and relkind = 'r' and has_column_privilege(role, pg_class.oid, attnum, 'select')
     order by 1`,
  );
  return rows.map(({ line }) => line);
}

const isStatement = ({ cure }: CheckRow) => /^(select|grant|create|alter|insert|update|delete) /.test(cure);
const findings = async (pool: pg.Pool) => (await pool.query<CheckRow>("select * from recsys.check()")).rows;

const members = [
  "Mixed Case.Who?",
  "Mixed Case.created_at",
  "Mixed Case.id",
  "Mixed Case.to.what",
  'drop table "user"; --.group',
  'drop table "user"; --.member\nof',
  "back\\slash.a\\000b",
  "order.a;title",
  "order.id",
  "order.select",
  "order.user",
  "user.id",
  "user.since\nwhen",
  'user.the "name".x',
];
const service = [
  ...members.filter((column) => !column.startsWith("drop") && !column.startsWith("back")),
  ...["created_at", "id", "who\nse"].map((column) => `it's a "visit".of\ntwo lines.${column}`),
];

await onBoth(
  "each statement that check prints runs as it stands and takes its line away, whatever things are called",
  async (_, { pool }) => {
    await pool.query(hostile);
    assert.deepEqual(await readable(pool), []);
    const kinds = new Set<string>();
    for (let round = 0; ; round++) {
      assert.ok(round < 10, JSON.stringify(await findings(pool), null, 1));
      const found = await findings(pool);
      for (const { problem, cure } of found) assert.doesNotMatch(`${problem}${cure}`, /[\n\r]/, "a line each");
      const statements = found.filter(isStatement);
      if (statements.length === 0) break;
      for (const { cure } of statements) {
        kinds.add(/^\w+ [a-z.]+/.exec(cure)?.[0] ?? cure);
        await pool.query(cure).catch((error) => assert.fail(`${cure}: ${error.message}`));
      }
      const left = new Set((await findings(pool)).map(({ problem }) => problem));
      for (const { problem, cure } of statements) assert.ok(!left.has(problem), `${problem}: ${cure}`);
    }
    assert.deepEqual(
      (await readable(pool)).sort(),
      [
        ...members.map((column) => `authenticated: ${column}`),
        ...service.map((column) => `service_role: ${column}`),
      ].sort(),
    );
    assert.deepEqual([...kinds].sort(), ["create index", "grant execute", "grant select", "select recsys.watch"]);
    assert.deepEqual(
      (await findings(pool)).filter(({ stops }) => stops),
      [],
    );
    const { rows } = await pool.query(
      `select has_function_privilege('authenticated', '"odd; sch.ema"."is it?"(uuid)', 'execute') as asked,
       has_function_privilege('authenticated', '"odd; sch.ema"."is it?"(uuid, "order"."user")', 'execute') as other`,
    );
    assert.deepEqual(
      rows,
      [{ asked: true, other: false }],
      "of two functions of one name, the one that the policy calls",
    );
    const client = await pool.connect();
    try {
      await client.query("begin; set local role authenticated");
      for (const view of ["users", "posts", "interactions", "dismissals", "mutes"])
        await client.query(`select * from recsys.source_${view}`);
      for (const table of ['public."user"', '"odd; sch.ema"."order"']) {
        await client.query("savepoint it");
        await assert.rejects(client.query(`select * from ${table}`), /permission denied/);
        await client.query("rollback to it");
      }
    } finally {
      await client.query("rollback");
      client.release();
    }
  },
);

test("recsys.grant_reads lets the service read what the views do, and members nothing", async (t) => {
  const { pool } = await testDatabase(t, "grants");
  await pool.query(`${hostile}; select recsys.grant_reads('service_role'), recsys.grant_reads('service_role')`);
  assert.deepEqual(await readable(pool), service.map((column) => `service_role: ${column}`).sort());
  for (const role of ["anon", "postgres", null])
    await assert.rejects(
      pool.query("select recsys.grant_reads($1)", [role]),
      /the role is service_role, or authenticated/,
    );
});

test("where one column is wanting, the grant names that one, and what was granted before stays", async (t) => {
  const { pool } = await testDatabase(t, "grants_one");
  await pool.query(`create table public.users (id uuid primary key, name text, email text, encrypted_password text, created_at timestamptz not null default now());
    alter table public.users enable row level security;
    create policy "all" on public.users for select to authenticated using (true);
    revoke all on public.users from authenticated;
    grant select (id, name) on public.users to authenticated;
    grant select on public.users to service_role;
    create or replace view recsys.source_users with (security_invoker = true) as
    select id as user_id, null::text as external_id, null::text[] as passions, null::text[] as projects, name as bio, created_at from public.users`);
  const { rows } = await pool.query("select problem, cure from recsys_engine.check_access()");
  assert.deepEqual(rows, [
    {
      problem: "authenticated may not read recsys.source_users: it lacks created_at of public.users",
      cure: "grant select (created_at) on public.users to authenticated",
    },
  ]);
});

test("of views of the app's, what their reader has to read: the view where its owner reads on, the tables where not", async (t) => {
  const { pool } = await testDatabase(t, "grants_views");
  await pool.query(`create schema app;
    create table app.people (id uuid primary key, name text, email text, created_at timestamptz not null default now());
    alter table app.people enable row level security;
    create view app.as_owner as select id, name, email, created_at from app.people;
    create view app.as_reader with (security_invoker = true) as select id, name, created_at from app.people;
    create materialized view app.copied as select id, name, email from app.people`);
  const asked = async (from: string) => {
    await pool.query(`create or replace view recsys.source_users with (security_invoker = true) as
      select id as user_id, null::text as external_id, null::text[] as passions, null::text[] as projects, name as bio, now() as created_at from ${from}`);
    const { rows } = await pool.query<CheckRow>(
      "select * from recsys_engine.check_access() where cure like '% to authenticated'",
    );
    for (const { cure } of rows) await pool.query(cure);
    assert.deepEqual(
      (await pool.query("select from recsys_engine.check_access() where cure like '% to authenticated'")).rowCount,
      0,
    );
    return rows.map(({ cure }) => cure);
  };
  assert.deepEqual(await asked("app.as_owner"), ["grant select (id, name) on app.as_owner to authenticated"]);
  assert.deepEqual(await asked("app.copied"), ["grant select (id, name) on app.copied to authenticated"]);
  assert.deepEqual((await asked("app.as_reader")).sort(), [
    "grant select (id, name) on app.as_reader to authenticated",
    "grant select (id, name, created_at) on app.people to authenticated",
  ]);
});

test("what a function hides, or a whole row, is said in words, and no statement opens a table for it", async (t) => {
  const { pool } = await testDatabase(t, "grants_hidden");
  await pool.query(`create schema office;
    create table office.secrets (id uuid, password text);
    create table office.open_to_all (id uuid);
    grant select on office.open_to_all to authenticated;
    create schema vault;
    create function vault.wipe() returns boolean language sql security definer as 'select true';
    create function public.asks(p_id uuid) returns boolean language plpgsql stable as 'begin return vault.wipe(); end';
    create function public.knows(p_id uuid) returns boolean language plpgsql stable as 'begin return exists (select from office.secrets where id = p_id); end';
    create function public.looks(p_id uuid) returns boolean language plpgsql stable as 'begin return exists (select from office.open_to_all where id = p_id); end'`);
  const cures = async (what: string) => {
    const client = await pool.connect();
    try {
      await client.query(`begin; ${what}`);
      return (await client.query<CheckRow>("select * from recsys_engine.check_access()")).rows.filter(
        ({ cure }) => !cure.includes("service_role"),
      );
    } finally {
      await client.query("rollback");
      client.release();
    }
  };
  const policy = (call: string) =>
    `insert into public.profiles (id) values ('${id(1)}'); insert into public.posts (id, author_id, title) values ('${id(2)}', '${id(1)}', 'a post');
     create policy "by a function" on public.posts as restrictive for select to authenticated using (public.${call}(id))`;
  const hidden = await cures(`grant usage on schema office to authenticated; ${policy("knows")}`);
  assert.ok(hidden.length > 0);
  for (const { cure } of hidden)
    assert.match(
      cure,
      /^the function (public\.)?knows\(uuid\) reads office\.secrets, and the catalog does not say which columns of it: .* or grant authenticated the columns that it reads$/,
    );
  const shut = await cures(policy("looks"));
  assert.ok(shut.length > 0);
  for (const { cure } of shut)
    assert.match(
      cure,
      /^the function (public\.)?looks\(uuid\) looks into the schema office: let it be security definer .* to use that schema would let authenticated read office\.open_to_all, too$/,
    );
  const called = await cures(policy("asks"));
  assert.ok(called.length > 0);
  for (const { cure } of called)
    assert.match(
      cure,
      /^the function (public\.)?asks\(uuid\) looks into the schema vault: let it be security definer .* to use that schema would let authenticated call vault\.wipe as its owner, too$/,
    );
  const whole =
    await cures(`revoke all on public.profiles from authenticated; grant select (id) on public.profiles to authenticated;
    create or replace view recsys.source_users with (security_invoker = true) as
    select id as user_id, null::text as external_id, null::text[] as passions, null::text[] as projects, profiles::text as bio, now() as created_at from public.profiles`);
  assert.ok(whole.length > 0);
  for (const { cure } of whole)
    assert.match(
      cure,
      /^a function that the views or policies call, or a whole row in one of them, reads public\.profiles, /,
    );
});

test("what members read in part of the engine's tables is what the migrations grant", async (t) => {
  const { pool } = await testDatabase(t, "grants_engine");
  const { rows } = await pool.query(
    `select relation, wanted from (
       select pg_class.oid::regclass as relation, string_agg(attname, ', ' order by attnum) as wanted
       from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
       where relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and relkind in ('r', 'p', 'v') and not relispartition
         and not has_table_privilege('authenticated', pg_class.oid, 'select') and has_column_privilege('authenticated', pg_class.oid, attnum, 'select')
       group by pg_class.oid
     ) as granted
     where string_to_array(trim(recsys_engine.member_readable_columns(relation), ' ()'), ', ') @> string_to_array(wanted, ', ') is not true
       or string_to_array(wanted, ', ') @> string_to_array(trim(recsys_engine.member_readable_columns(relation), ' ()'), ', ') is not true`,
  );
  assert.deepEqual(rows, []);
});

test("where no policy says who reads which rows, no grant to members is printed that would show them all", async (t) => {
  const { pool } = await testDatabase(t, "grants_no_policy");
  await pool.query(`create table public.blocks (blocker uuid not null, blocked uuid not null, created_at timestamptz not null default now());
    revoke all on public.blocks from anon, authenticated, service_role;
    create or replace view recsys.source_mutes with (security_invoker = true) as
    select blocker as user_id, 'person' as kind, blocked::text as value, created_at from public.blocks`);
  const grant = (role: string) => `grant select (blocker, blocked, created_at) on public.blocks to ${role}`;
  const cures = async () =>
    (await pool.query("select cure from recsys_engine.check_access()")).rows.map(({ cure }) => cure);
  assert.deepEqual(await cures(), [
    `unless every member may read these columns in all rows, say in a policy who reads which, and: alter table public.blocks enable row level security; then: ${grant("authenticated")}`,
    grant("service_role"),
  ]);
  await pool.query("alter table public.blocks enable row level security");
  assert.deepEqual(await cures(), [grant("authenticated"), grant("service_role")]);
});
