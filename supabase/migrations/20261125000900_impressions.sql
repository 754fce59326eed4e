-- The exposure log: what was shown to whom, where, and why. Nothing reads it yet: training takes its negatives from retrieval.

create table recsys.impressions (
  request_id uuid not null,
  user_id uuid not null,
  post_id uuid not null,
  position smallint not null check (position >= 1),
  shown_at timestamptz not null,
  score real,
  source text,
  model_id bigint,
  variant text,
  features real[],
  seen_at timestamptz,
  primary key (request_id, post_id, shown_at)
) partition by range (shown_at);
comment on table recsys.impressions is 'One row per post shown: position from 1, the score and model that put it there, its source, and the features as served. Partitioned by range of shown_at, so far with the default partition only.';
comment on column recsys.impressions.seen_at is 'When the post really came into view, as the app told the function `events`; null: nobody said so. A seen post leaves the feed of that person for 30 days.';
create table recsys.impressions_default partition of recsys.impressions default;
create index impressions_user_id_shown_at_idx on recsys.impressions (user_id, shown_at desc);
create index impressions_user_id_seen_at_idx on recsys.impressions (user_id, seen_at desc) include (post_id) where seen_at is not null;
alter table recsys.impressions enable row level security;
alter table recsys.impressions_default enable row level security;
create policy "people log what they were shown" on recsys.impressions for insert to authenticated with check (user_id = (select auth.uid()));
create policy "people read which posts they were shown" on recsys.impressions for select to authenticated using (user_id = (select auth.uid()));
create policy "people say what they have seen" on recsys.impressions for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
grant insert on recsys.impressions to authenticated;
-- scores and features stay the operator's
grant select (request_id, user_id, post_id, shown_at, seen_at), update (seen_at) on recsys.impressions to authenticated;
grant select, insert, update, delete on recsys.impressions to service_role;
