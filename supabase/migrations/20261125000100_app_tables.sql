-- The app that is being recommended for: a Teamu-like social productivity app.
-- An adopter has such tables already and leaves this file out; the engine only reads the views of 20261125000300_example_views.sql.
--
-- Times are finite and plausible: one view at -infinity ended the feeds of others. They do not depend on now(), or a dump of
-- yesterday could not be restored; that nobody writes into the future is for the policies below to say, which an import passes by.
-- Texts are as long as the views read them, and no longer: whoever writes more is told so instead of being cut off.

create table public.profiles (
  id uuid primary key default gen_random_uuid(),
  external_id text unique,
  passions text[] not null default '{}' check (
    coalesce(array_ndims(passions), 1) = 1 and cardinality(passions) <= 100 and array_position(passions, null) is null and length(array_to_string(passions, '')) <= 10000
  ),
  bio text not null default '' check (length(bio) <= 50000),
  created_at timestamptz not null default now() check (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z')
);
comment on table public.profiles is 'One row per person. id is the auth user''s id; imported people have no login, so there is no foreign key to auth.users.';
comment on column public.profiles.external_id is 'The id this person had in an imported bundle; null for people who signed up here.';
comment on column public.profiles.id is 'The person: the auth user''s id, or one of an import.';
comment on column public.profiles.passions is 'What they say they care about, in a few words each.';
comment on column public.profiles.bio is 'What they say of themselves.';
comment on column public.profiles.created_at is 'When they signed up.';

create table public.projects (
  id uuid primary key default gen_random_uuid(),
  owner_id uuid not null references public.profiles (id) on delete cascade,
  -- the length of what an index can hold
  title text not null check (length(title) <= 500),
  created_at timestamptz not null default now() check (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z'),
  unique (owner_id, title)
);
comment on table public.projects is 'Something a person works on; its title tells the user tower what they care about.';
comment on column public.projects.id is 'The project.';
comment on column public.projects.owner_id is 'Whose it is.';
comment on column public.projects.title is 'Its title, once per owner.';
comment on column public.projects.created_at is 'When it was begun.';

create table public.posts (
  id uuid primary key default gen_random_uuid(),
  external_id text unique,
  author_id uuid references public.profiles (id) on delete cascade,
  title text not null check (length(title) <= 1000),
  description text not null default '' check (length(description) <= 50000),
  tags text[] not null default '{}' check (
    coalesce(array_ndims(tags), 1) = 1 and cardinality(tags) <= 100 and array_position(tags, null) is null and length(array_to_string(tags, '')) <= 10000
  ),
  visibility text not null default 'public' check (visibility in ('public', 'private')),
  language text check (language ~ '^[a-z]{2,3}(-[a-z0-9]{2,8})*$' and length(language) <= 35),
  draft_id uuid,
  created_at timestamptz not null default now() check (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z')
);
comment on table public.posts is 'What is recommended. A private post is seen, and so recommended, to its author only.';
comment on column public.posts.id is 'The post.';
comment on column public.posts.external_id is 'The id it had in an imported bundle; null for posts that were written here.';
comment on column public.posts.author_id is 'Who wrote it; null: nobody who is known.';
comment on column public.posts.title is 'Its title.';
comment on column public.posts.description is 'Its text; empty: the title says it all.';
comment on column public.posts.tags is 'What it is about, in a word each.';
comment on column public.posts.visibility is 'public or private.';
comment on column public.posts.language is 'Its language as a BCP 47 tag in small letters, such as en or pt-br; null: unknown.';
comment on column public.posts.draft_id is 'What its author''s page called it before it was stored, so that a post that is sent again is stored once; null: nothing.';
comment on column public.posts.created_at is 'When it was written.';
create index posts_author_id_created_at_idx on public.posts (author_id, created_at desc);
create unique index posts_author_id_draft_id_key on public.posts (author_id, draft_id) where draft_id is not null;
create index posts_created_at_idx on public.posts (created_at desc, id);
-- a feed in one language
create index posts_language_created_at_idx on public.posts (language, created_at desc, id) where language is not null;

create sequence public.interaction_id_seq;
comment on sequence public.interaction_id_seq is 'Shared by views, votes and comments, so that interactions of the same instant keep their order across kinds.';

create table public.post_views (
  id bigint primary key default nextval('public.interaction_id_seq'),
  user_id uuid not null references public.profiles (id) on delete cascade,
  post_id uuid not null references public.posts (id) on delete cascade,
  value real,
  created_at timestamptz not null default now() check (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z'),
  unique (user_id, post_id, created_at)
);
comment on table public.post_views is 'A person opened a post. value: a strength, such as seconds read; null where nothing was measured.';
comment on column public.post_views.id is 'Its number, unique over views, votes and comments.';
comment on column public.post_views.user_id is 'Whose it is.';
comment on column public.post_views.post_id is 'The post.';
comment on column public.post_views.value is 'A strength, such as seconds read; null: nothing was measured.';
comment on column public.post_views.created_at is 'When it happened.';
create index post_views_post_id_created_at_idx on public.post_views (post_id, created_at);
create index post_views_user_id_created_at_idx on public.post_views (user_id, created_at, id);

create table public.post_votes (
  id bigint primary key default nextval('public.interaction_id_seq'),
  user_id uuid not null references public.profiles (id) on delete cascade,
  post_id uuid not null references public.posts (id) on delete cascade,
  value real,
  created_at timestamptz not null default now() check (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z'),
  unique (user_id, post_id, created_at)
);
comment on table public.post_votes is 'A person liked, favourited or voted for a post. value: a rating where the app has one.';
comment on column public.post_votes.id is 'Its number, unique over views, votes and comments.';
comment on column public.post_votes.user_id is 'Whose it is.';
comment on column public.post_votes.post_id is 'The post.';
comment on column public.post_votes.value is 'A rating where the app has one; null: plainly for the post; below 0: against it.';
comment on column public.post_votes.created_at is 'When it happened.';
create index post_votes_post_id_created_at_idx on public.post_votes (post_id, created_at);
create index post_votes_user_id_created_at_idx on public.post_votes (user_id, created_at, id);

create table public.comments (
  id bigint primary key default nextval('public.interaction_id_seq'),
  user_id uuid not null references public.profiles (id) on delete cascade,
  post_id uuid not null references public.posts (id) on delete cascade,
  -- as much as the function `events` takes
  body text not null default '' check (length(body) <= 10000),
  value real,
  created_at timestamptz not null default now() check (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z'),
  unique (user_id, post_id, created_at)
);
comment on table public.comments is 'A person wrote under a post. The engine never reads the body.';
comment on column public.comments.id is 'Its number, unique over views, votes and comments.';
comment on column public.comments.user_id is 'Whose it is.';
comment on column public.comments.post_id is 'The post.';
comment on column public.comments.body is 'What they wrote.';
comment on column public.comments.value is 'A strength where the app has one; null: none.';
comment on column public.comments.created_at is 'When it happened.';
create index comments_post_id_created_at_idx on public.comments (post_id, created_at);
create index comments_user_id_created_at_idx on public.comments (user_id, created_at, id);

create table public.logins (
  id bigint primary key generated always as identity,
  user_id uuid not null references public.profiles (id) on delete cascade,
  created_at timestamptz not null default now() check (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z'),
  unique (user_id, created_at)
);
comment on table public.logins is 'When a person came back to the app; how often they do is a feature of the ranker.';
comment on column public.logins.id is 'Its number.';
comment on column public.logins.user_id is 'Who came back.';
comment on column public.logins.created_at is 'When.';

alter table public.profiles enable row level security;
alter table public.projects enable row level security;
alter table public.posts enable row level security;
alter table public.post_views enable row level security;
alter table public.post_votes enable row level security;
alter table public.comments enable row level security;
alter table public.logins enable row level security;

-- 5 minutes: a device's clock may be ahead
create policy "anyone signed in reads profiles" on public.profiles for select to authenticated using (true);
create policy "people create their own profile" on public.profiles for insert to authenticated with check (id = (select auth.uid()));
create policy "people edit their own profile" on public.profiles for update to authenticated using (id = (select auth.uid())) with check (id = (select auth.uid()));

create policy "anyone signed in reads projects" on public.projects for select to authenticated using (true);
create policy "owners create projects" on public.projects for insert to authenticated with check (owner_id = (select auth.uid()) and created_at <= now() + interval '5 minutes');
create policy "owners edit projects" on public.projects for update to authenticated using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()) and created_at <= now() + interval '5 minutes');
create policy "owners delete projects" on public.projects for delete to authenticated using (owner_id = (select auth.uid()));

create policy "public posts and one's own are readable" on public.posts for select to anon, authenticated
  using (visibility = 'public' or author_id = (select auth.uid()));
create policy "authors write posts" on public.posts for insert to authenticated with check (author_id = (select auth.uid()));
create policy "authors edit posts" on public.posts for update to authenticated using (author_id = (select auth.uid())) with check (author_id = (select auth.uid()));
create policy "authors delete posts" on public.posts for delete to authenticated using (author_id = (select auth.uid()));

-- whoever acts on a post has to be able to read it: otherwise a foreign key would tell a hidden post from one that does not exist
create policy "people read their own views" on public.post_views for select to authenticated using (user_id = (select auth.uid()));
create policy "people record their own views" on public.post_views for insert to authenticated
  with check (user_id = (select auth.uid()) and created_at <= now() + interval '5 minutes' and exists (select from public.posts where posts.id = post_views.post_id));

create policy "people read their own votes" on public.post_votes for select to authenticated using (user_id = (select auth.uid()));
create policy "people cast their own votes" on public.post_votes for insert to authenticated
  with check (user_id = (select auth.uid()) and created_at <= now() + interval '5 minutes' and exists (select from public.posts where posts.id = post_votes.post_id));
create policy "people take back their own votes" on public.post_votes for delete to authenticated using (user_id = (select auth.uid()));

create policy "comments are read with their post" on public.comments for select to authenticated
  using (exists (select from public.posts where posts.id = comments.post_id));
create policy "people write their own comments" on public.comments for insert to authenticated
  with check (user_id = (select auth.uid()) and created_at <= now() + interval '5 minutes' and exists (select from public.posts where posts.id = comments.post_id));
create policy "people delete their own comments" on public.comments for delete to authenticated using (user_id = (select auth.uid()));

create policy "people read their own logins" on public.logins for select to authenticated using (user_id = (select auth.uid()));
create policy "people record their own logins" on public.logins for insert to authenticated with check (user_id = (select auth.uid()) and created_at <= now() + interval '5 minutes');

revoke all on public.profiles, public.projects, public.posts, public.post_views, public.post_votes, public.comments, public.logins from anon, authenticated;
grant select on public.posts to anon;
-- external_id is the import's. Ids come from the database: a unique violation would tell whoever chose the id of a hidden post that it exists,
-- and somebody could take that of another's view. Nobody says when a post was written: dated again each hour, it was the newest of all
-- feeds for good, and dated back, a copy is the older one. Nor when they signed up: who says years ago is no newcomer
grant select, insert (id, passions, bio), update (passions, bio) on public.profiles to authenticated;
grant select, insert, update, delete on public.projects to authenticated;
grant select, insert (author_id, title, description, tags, visibility, language, draft_id),
  update (title, description, tags, visibility, language), delete on public.posts to authenticated;
grant select, insert (user_id, post_id, value, created_at) on public.post_views to authenticated;
grant select, insert (user_id, created_at) on public.logins to authenticated;
grant select, insert (user_id, post_id, value, created_at), delete on public.post_votes to authenticated;
grant select, insert (user_id, post_id, body, value, created_at), delete on public.comments to authenticated;
grant usage on sequence public.interaction_id_seq to authenticated;
grant select, insert, update, delete on public.profiles, public.projects, public.posts, public.post_views, public.post_votes, public.comments, public.logins to service_role;
grant usage on sequence public.interaction_id_seq to service_role;

-- definer: accounts are deleted by Supabase Auth, which has no rights on the app's tables
create function public.delete_profiles_of_accounts() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.profiles using old_rows where profiles.id = old_rows.id;
  return null;
end
$$;
comment on function public.delete_profiles_of_accounts() is 'Trigger of auth.users: with an account go its profile and all that belongs to that.';
revoke all on function public.delete_profiles_of_accounts() from public;
create trigger delete_profiles_of_accounts after delete on auth.users
referencing old table as old_rows for each statement execute function public.delete_profiles_of_accounts();
