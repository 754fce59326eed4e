/** A community in the tables of an app that knows nothing of the recommender, with nine watches, as many as a draft of a real app has. */

import { engineMigrations } from "../../adopt/init/init.ts";
import { emptyDatabase } from "../../adopt/testing-blog.ts";
import type { Database } from "../../db/connect.ts";
import type { Scope } from "../../db/testing.ts";

const tables = `
  create schema forum;
  create table forum.members (id uuid primary key, bio text, passions text[], joined_at timestamptz not null);
  create table forum.skills (id bigint primary key generated always as identity, member_id uuid not null, skill text not null);
  create table forum.posts (id uuid primary key, author_id uuid, title text, body text, language text, written_at timestamptz not null);
  create table forum.tags (post_id uuid, tag text, primary key (post_id, tag));
  create table forum.pictures (id bigint primary key generated always as identity, post_id uuid not null, caption text);
  create table forum.views (id bigint primary key generated always as identity, member_id uuid not null, post_id uuid not null, at timestamptz not null);
  create table forum.likes (id bigint primary key generated always as identity, member_id uuid not null, post_id uuid not null, at timestamptz not null);
  create table forum.replies (id bigint primary key generated always as identity, member_id uuid not null, post_id uuid not null, at timestamptz not null);
  create table forum.visits (id bigint primary key generated always as identity, member_id uuid not null, at timestamptz not null);
  create index on forum.skills (member_id); create index on forum.pictures (post_id);
  create index on forum.posts (author_id, written_at desc); create index on forum.posts (written_at desc);
  create index on forum.views (member_id, at); create index on forum.views (post_id, at);
  create index on forum.likes (member_id, at); create index on forum.likes (post_id, at);
  create index on forum.replies (member_id, at); create index on forum.replies (post_id, at);
  create index on forum.visits (member_id, at);
  alter table forum.posts enable row level security;
  create policy "members read posts" on forum.posts for select to authenticated using (true);
  grant usage on schema forum to authenticated; grant select on all tables in schema forum to authenticated`;

/** Copies from the example app: a query there, and the statement that stores its `rows`. */
const copies = [
  [
    "select id as who, bio, passions, created_at as at from public.profiles",
    "insert into auth.users (id) select who from rows",
  ],
  [
    "select id as who, bio, passions, created_at as at from public.profiles",
    "insert into forum.members select who, bio, passions, at from rows",
  ],
  [
    "select owner_id as who, title from public.projects order by id",
    "insert into forum.skills (member_id, skill) select who, title from rows",
  ],
  [
    "select id as post, author_id as who, title, description as body, language, created_at as at from public.posts",
    "insert into forum.posts select post, who, title, body, language, at from rows",
  ],
  [
    "select id as post, tags from public.posts",
    "insert into forum.tags select distinct post, tag from rows cross join unnest(tags) as tag",
  ],
  [
    "select id as post, title from public.posts",
    "insert into forum.pictures (post_id, caption) select post, title from rows",
  ],
  ...[
    ["post_views", "views"],
    ["post_votes", "likes"],
    ["comments", "replies"],
  ].map(([from, into]) => [
    `select user_id as who, post_id as post, created_at as at from public.${from} order by id`,
    `insert into forum.${into} (member_id, post_id, at) select who, post, at from rows`,
  ]),
  [
    "select user_id as who, created_at as at from public.logins order by id",
    "insert into forum.visits (member_id, at) select who, at from rows",
  ],
] as const;

export const ownViews = `
  create or replace view recsys.source_users with (security_invoker = true) as
  select members.id as user_id, null::text as external_id, members.passions, array(select skills.skill from forum.skills where skills.member_id = members.id order by skills.id) as projects,
    members.bio, members.joined_at as created_at from forum.members;
  create or replace view recsys.source_posts with (security_invoker = true) as
  select posts.id as post_id, null::text as external_id, posts.author_id, posts.title,
    concat_ws(' ', posts.body, (select string_agg(pictures.caption, ' ' order by pictures.id) from forum.pictures where pictures.post_id = posts.id)) as description,
    array(select tags.tag from forum.tags where tags.post_id = posts.id order by tags.tag) as tags, posts.written_at as created_at, posts.language from forum.posts;
  create or replace view recsys.source_interactions with (security_invoker = true) as
  select done.interaction_id, done.member_id as user_id, done.post_id, done.kind, null::real as value, done.at as created_at, null::real as weight from (
    select recsys.event_id_of(1, views.id) as interaction_id, views.member_id, views.post_id, 'view' as kind, views.at from forum.views
    union all select recsys.event_id_of(2, likes.id), likes.member_id, likes.post_id, 'vote', likes.at from forum.likes
    union all select recsys.event_id_of(3, replies.id), replies.member_id, replies.post_id, 'comment', replies.at from forum.replies
  ) as done;
  create or replace view recsys.source_logins with (security_invoker = true) as
  select visits.id as login_id, visits.member_id as user_id, visits.at as created_at from forum.visits`;

export const ownWatches = [
  "select recsys.watch('forum.members', 'users', p_texts => '{bio,passions}')",
  "select recsys.watch('forum.skills', 'user_texts', p_user_id => 'member_id', p_texts => '{skill}')",
  "select recsys.watch('forum.posts', 'posts', p_created_at => 'written_at', p_texts => '{title,body}', p_others => '{language}')",
  "select recsys.watch('forum.tags', 'post_texts', p_texts => '{tag}')",
  "select recsys.watch('forum.pictures', 'post_texts', p_texts => '{caption}')",
  "select recsys.watch('forum.views', 'interactions', p_user_id => 'member_id', p_created_at => 'at')",
  "select recsys.watch('forum.likes', 'interactions', p_user_id => 'member_id', p_created_at => 'at')",
  "select recsys.watch('forum.replies', 'interactions', p_user_id => 'member_id', p_created_at => 'at')",
  "select recsys.watch('forum.visits', 'logins', p_user_id => 'member_id', p_created_at => 'at')",
];

/** The rows of an imported example app in the app's own tables, with the engine installed and nothing watched yet. */
export async function ownTablesOf(scope: Scope, { pool: example }: Database, name: string): Promise<Database> {
  const own = await emptyDatabase(scope, name);
  await own.pool.query(tables);
  for (const [read, write] of copies) {
    const { rows } = await example.query(
      `select coalesce(jsonb_agg(to_jsonb(it)), '[]')::text as all from (${read}) as it`,
    );
    await own.pool.query(
      `with rows as (
         select * from jsonb_to_recordset($1) as rows (who uuid, post uuid, at timestamptz, bio text, passions text[], title text, body text, language text, tags text[])
       ) ${write}`,
      [rows[0].all],
    );
  }
  await own.pool.query("analyze");
  for (const { sql } of await engineMigrations()) await own.pool.query(sql);
  await own.pool.query(ownViews);
  const { rows } = await example.query("select community_id, clock_shift::text from recsys.settings");
  await own.pool.query("update recsys.settings set community_id = $1, clock_shift = $2::interval", [
    rows[0].community_id,
    rows[0].clock_shift,
  ]);
  await own.pool.query("select recsys.grant_reads('service_role')");
  return own;
}
