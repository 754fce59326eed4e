-- What is for an author's followers alone. Part of the example app: an adopter with a table like this, or with none, leaves this file out and says
-- so in recsys.source_withheld (20261125000300_example_views.sql).

create table public.withheld (
  author_id uuid not null references public.profiles (id) on delete cascade,
  post_id uuid references public.posts (id) on delete cascade,
  by_moderation boolean not null default false,
  unique nulls not distinct (author_id, post_id)
);
comment on table public.withheld is 'Authors, and single posts, that are recommended to nobody but those who follow the author. Whoever may read a post finds it everywhere else as before.';
comment on column public.withheld.author_id is 'Whose.';
comment on column public.withheld.post_id is 'Which post; null: all of theirs.';
comment on column public.withheld.by_moderation is 'Moderation withheld it, and its author cannot take that back.';
create index withheld_post_id_idx on public.withheld (post_id) where post_id is not null;

alter table public.withheld enable row level security;
create policy "everybody reads what is withheld" on public.withheld for select to anon, authenticated using (true);
create policy "authors withhold what is theirs" on public.withheld for insert to authenticated with check (
  author_id = (select auth.uid())
  and (post_id is null or exists (select from public.posts where posts.id = withheld.post_id and posts.author_id = withheld.author_id))
);
create policy "authors take back what they withheld" on public.withheld for delete to authenticated using (author_id = (select auth.uid()) and not by_moderation);
revoke all on public.withheld from anon, authenticated;
-- whom moderation withheld is nobody's to know
grant select (author_id, post_id) on public.withheld to anon;
grant select (author_id, post_id), insert (author_id, post_id), delete on public.withheld to authenticated;
grant select, insert, update, delete on public.withheld to service_role;
