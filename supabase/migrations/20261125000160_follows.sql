-- Whom and what people follow. Part of the example app: an adopter with a table like this, or with none, leaves this file out and says so in
-- recsys.source_follows (20261125000300_example_views.sql).

create table public.follows (
  user_id uuid not null references public.profiles (id) on delete cascade,
  kind text not null check (kind in ('person', 'topic', 'group')),
  target text not null check (length(target) <= 500 and target ~ '\S'),
  -- who is deleted is forgotten here too
  person_id uuid generated always as (case when kind = 'person' then target::uuid end) stored references public.profiles (id) on delete cascade,
  created_at timestamptz not null default now() check (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z'),
  primary key (user_id, kind, target),
  check (person_id <> user_id)
);
comment on table public.follows is 'Whom and what somebody follows: people, topics and groups. Who follows somebody is known to themselves alone.';
comment on column public.follows.user_id is 'Who follows.';
comment on column public.follows.kind is 'person, topic or group.';
comment on column public.follows.target is 'The id of the person, the tag, or the id of the group.';
comment on column public.follows.person_id is 'The person, where it is one.';
comment on column public.follows.created_at is 'Since when.';
create index follows_person_id_idx on public.follows (person_id) where person_id is not null;

alter table public.follows enable row level security;
create policy "people read their own follows" on public.follows for select to authenticated using (user_id = (select auth.uid()));
create policy "people follow for themselves" on public.follows for insert to authenticated with check (user_id = (select auth.uid()) and created_at <= now() + interval '5 minutes');
create policy "people unfollow for themselves" on public.follows for delete to authenticated using (user_id = (select auth.uid()));
revoke all on public.follows from anon, authenticated;
grant select, insert (user_id, kind, target, created_at), delete on public.follows to authenticated;
grant select, insert, update, delete on public.follows to service_role;
