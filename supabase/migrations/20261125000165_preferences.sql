-- What people decided about their own feed. Part of the example app: an adopter with a table like this, or with none, leaves this file out and
-- says so in recsys.source_preferences (20261125000300_example_views.sql).

create table public.preferences (
  user_id uuid not null references public.profiles (id) on delete cascade,
  kind text not null check (kind in ('feed', 'more', 'less', 'hide')),
  value text not null check (length(value) <= 100 and value ~ '\S' and (kind <> 'feed' or value in ('following', 'impersonal')) and (kind <> 'hide' or value = 'reposts')),
  primary key (user_id, kind, value)
);
comment on table public.preferences is 'What people decided about their own feed; who decided nothing has no row.';
comment on column public.preferences.user_id is 'Whose feed.';
comment on column public.preferences.kind is 'feed, more, less or hide.';
comment on column public.preferences.value is 'Of feed: following or impersonal. Of more and less: the topic. Of hide: reposts.';
create unique index preferences_feed_idx on public.preferences (user_id) where kind = 'feed';

alter table public.preferences enable row level security;
create policy "people read their own preferences" on public.preferences for select to authenticated using (user_id = (select auth.uid()));
create policy "people decide for themselves" on public.preferences for insert to authenticated with check (user_id = (select auth.uid()));
create policy "people take back what they decided" on public.preferences for delete to authenticated using (user_id = (select auth.uid()));
revoke all on public.preferences from anon, authenticated;
grant select, insert, delete on public.preferences to authenticated;
grant select, insert, update, delete on public.preferences to service_role;
