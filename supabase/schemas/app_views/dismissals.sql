-- What people said they do not want to be shown. An app that has such a table already leaves this one empty and names its own in
-- recsys.source_dismissals (20261125000300_example_views.sql).

create table recsys.dismissals (
  user_id uuid not null,
  post_id uuid not null,
  created_at timestamptz not null check (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z'),
  primary key (user_id, post_id)
);
comment on table recsys.dismissals is 'Posts that a person called "not interesting": none of them is recommended to that person again.';
comment on column recsys.dismissals.user_id is 'Who dismissed the post.';
comment on column recsys.dismissals.post_id is 'The post, which may be gone by now.';
comment on column recsys.dismissals.created_at is 'When, by the engine''s clock (recsys.clock()).';
-- a feed reads the latest
create index dismissals_user_id_created_at_idx on recsys.dismissals (user_id, created_at desc);
-- a deleted post is erased from here too
create index dismissals_post_id_idx on recsys.dismissals (post_id);
alter table recsys.dismissals enable row level security;
create policy "people read their own dismissals" on recsys.dismissals for select to authenticated using (user_id = (select auth.uid()));
create policy "people dismiss for themselves" on recsys.dismissals for insert to authenticated
  with check (user_id = (select auth.uid()) and created_at <= now() + interval '5 minutes');
create policy "people take back their own dismissals" on recsys.dismissals for delete to authenticated using (user_id = (select auth.uid()));
grant select, insert, delete on recsys.dismissals to authenticated;
grant select, insert, update, delete on recsys.dismissals to service_role;
