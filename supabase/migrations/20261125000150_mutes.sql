-- Of whom and of what people want to see nothing. Part of the example app: an adopter with a table like this, or with none, leaves this file
-- out and says so in recsys.source_mutes (20261125000300_example_views.sql).

create table public.mutes (
  user_id uuid not null references public.profiles (id) on delete cascade,
  kind text not null check (kind in ('person', 'word', 'topic')),
  value text not null check (length(value) <= 100 and value ~ '\S'),
  -- who is deleted is forgotten here too
  person_id uuid generated always as (case when kind = 'person' then value::uuid end) stored references public.profiles (id) on delete cascade,
  created_at timestamptz not null default now() check (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z'),
  primary key (user_id, kind, value)
);
comment on table public.mutes is 'People, words and topics that somebody blocked or muted: no post of these people, with such a word in title or tags, or with such a tag is recommended to them. It works one way: whoever is blocked still sees the posts of the one who blocked them. At most 100 words, 100 topics and 10,000 people each.';
comment on column public.mutes.user_id is 'Who does not want to see it.';
comment on column public.mutes.kind is 'person, word or topic.';
comment on column public.mutes.value is 'The id of the person; the word or phrase, with or without accents; the tag. Capital or small letters are the same.';
comment on column public.mutes.person_id is 'The person, where it is one.';
comment on column public.mutes.created_at is 'When.';
create index mutes_person_id_idx on public.mutes (person_id) where person_id is not null;

alter table public.mutes enable row level security;
create policy "people read their own mutes" on public.mutes for select to authenticated using (user_id = (select auth.uid()));
create policy "people mute for themselves" on public.mutes for insert to authenticated with check (user_id = (select auth.uid()) and created_at <= now() + interval '5 minutes');
create policy "people take back their own mutes" on public.mutes for delete to authenticated using (user_id = (select auth.uid()));
revoke all on public.mutes from anon, authenticated;
grant select, insert (user_id, kind, value, created_at), delete on public.mutes to authenticated;
grant select, insert, update, delete on public.mutes to service_role;

create function public.refuse_too_many_mutes() returns trigger
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  if exists (
    select from public.mutes
    where mutes.user_id in (select new_rows.user_id from new_rows)
    group by mutes.user_id, mutes.kind
    having count(*) > case mutes.kind when 'person' then 10000 else 100 end
  ) then
    raise exception 'at most 100 words, 100 topics and 10,000 people can be muted' using errcode = '54000', hint = 'take some back first';
  end if;
  return null;
end
$$;
comment on function public.refuse_too_many_mutes() is 'Trigger of public.mutes: a feed reads no more than these, so whoever would mute more is told.';
revoke all on function public.refuse_too_many_mutes() from public;
create trigger refuse_too_many_mutes after insert on public.mutes
referencing new table as new_rows for each statement execute function public.refuse_too_many_mutes();
