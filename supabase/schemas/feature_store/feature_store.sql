-- The feature store: roll-ups, one row per event. The state "as of t" is the latest row at or before t. Training
-- walks through the rows in time order, serving reads the latest: one definition, no leakage, no skew. An
-- interaction counts where it is its user's first of its kind with a post of another author
-- (docs/design/counted-interactions.md). Repeats and actions of authors on their own posts count for nothing,
-- neither for the post (100 comments by an author brought it into 60 of 60 feeds) nor for the user: the post has no
-- row of them. They remain events of the user. Interactions with posts that source_posts does not show are none.

create function recsys_engine.half_lives() returns double precision[]
language sql immutable security invoker set search_path = ''
as $$ select array[1, 6, 24, 168, 720]::double precision[] $$;
comment on function recsys_engine.half_lives() is 'The half-lives of all decayed counts, in hours: 1 hour, 6 hours, 1 day, 7 days, 30 days.';

create function recsys_engine.decayed_counts(
  p_at timestamptz[],
  p_counted boolean[],
  p_before timestamptz default null,
  p_counts double precision[] default null
)
returns table (number integer, counts double precision[])
language plpgsql immutable security invoker set search_path = ''
as $$
declare
  half_lives constant double precision[] := recsys_engine.half_lives();
  one double precision;
  hours double precision := 0::double precision;
  running double precision[] := coalesce(p_counts, array_fill(0::double precision, array[cardinality(half_lives)]));
  before timestamptz := p_before;
begin
  for i in 1 .. cardinality(p_at) loop
    if before is not null then
      hours := extract(epoch from p_at[i] - before)::double precision / 3600;
    end if;
    before := p_at[i];
    one := case when p_counted[i] then 1::double precision else 0::double precision end;
    for h in 1 .. cardinality(half_lives) loop
      -- Postgres raises an error where a result underflows: what is below 1e-30 is nothing, and 900 half-lives are enough
      running[h] := one + case
        when running[h] > 1e-30 then running[h] * power(0.5, least(hours / half_lives[h], 900))
        else 0::double precision
      end;
    end loop;
    number := i;
    counts := running;
    return next;
  end loop;
end
$$;
comment on function recsys_engine.decayed_counts(timestamptz[], boolean[], timestamptz, double precision[]) is
  'For a series of events in ascending order: number from 1, and five exponentially decayed counts of those that count; p_before and p_counts continue a series. Decayed counts can be aged without the events. Not an aggregate, since an aggregate cannot set its search_path.';

revoke all on function recsys_engine.half_lives(), recsys_engine.decayed_counts(timestamptz[], boolean[], timestamptz, double precision[]) from public;
grant execute on function recsys_engine.half_lives(), recsys_engine.decayed_counts(timestamptz[], boolean[], timestamptz, double precision[]) to service_role;

create function recsys_engine.popularity(p_recent double precision[], p_at timestamptz) returns double precision
language sql immutable
-- as an interval, since an index can only have what no time zone changes
return ln(greatest(p_recent[5], 1e-30)) / ln(2::double precision) + extract(epoch from p_at - timestamptz '1970-01-01 00:00:00+00')::double precision / 3600 / 720;
comment on function recsys_engine.popularity(double precision[], timestamptz) is 'When a count with the half-life of 30 days, the last of recsys_engine.half_lives(), as of an instant will have fallen to 1, in such months since 1970: orders posts as that count does at any later instant.';
revoke all on function recsys_engine.popularity(double precision[], timestamptz) from public;
grant execute on function recsys_engine.popularity(double precision[], timestamptz) to authenticated, service_role;

create table recsys_engine.post_stats (
  post_id uuid not null,
  last_active_at timestamptz not null,
  interaction_id bigint not null,
  user_id uuid not null,
  kind text not null,
  views integer not null,
  votes integer not null,
  comments integer not null,
  participants integer not null,
  last_comment_at timestamptz,
  first_interaction boolean not null,
  recent double precision[] not null,
  trend double precision not null,
  primary key (interaction_id),
  -- what another app's views let through must not reach a feed; a roll-up sets it aside
  constraint post_stats_are_finite check (isfinite(last_active_at) and trend > '-Infinity' and trend < 'Infinity')
);
comment on table recsys_engine.post_stats is
  'The state of a post right after each counted interaction (last_active_at): the first of each kind by each other person. A post without a row has had none: its last activity is its creation.';
comment on column recsys_engine.post_stats.post_id is 'The post.';
comment on column recsys_engine.post_stats.last_active_at is 'When the interaction was: the state holds from then until the next row''s.';
comment on column recsys_engine.post_stats.interaction_id is 'The interaction; of equal times the lower one came first.';
comment on column recsys_engine.post_stats.user_id is 'Who did it.';
comment on column recsys_engine.post_stats.views is 'People who viewed it so far.';
comment on column recsys_engine.post_stats.votes is 'People who voted for it so far.';
comment on column recsys_engine.post_stats.comments is 'People who commented on it so far.';
comment on column recsys_engine.post_stats.last_comment_at is
  'The time of the last comment; null: none.';
comment on column recsys_engine.post_stats.kind is 'Kind of the interaction, which was the last activity at that time.';
comment on column recsys_engine.post_stats.first_interaction is 'Whether the interaction is its user''s first with the post: the earliest that counts, of equal times the one with the lower id.';
comment on column recsys_engine.post_stats.participants is 'Distinct users who interacted so far.';
comment on column recsys_engine.post_stats.recent is 'People who came, each at their first interaction, decayed with half-lives of 1 hour, 6 hours, 1 day, 7 days, 30 days, as of last_active_at.';
comment on column recsys_engine.post_stats.trend is 'When the count with the half-life of a week will have fallen to 1, in weeks since 1970: orders posts as that count does at any later instant.';
create index post_stats_post_id_last_active_at_idx on recsys_engine.post_stats (post_id, last_active_at desc, interaction_id desc);
create index post_stats_last_active_at_idx on recsys_engine.post_stats (last_active_at desc, interaction_id desc);
-- an erasure looks a user up among all of them
create index post_stats_user_id_idx on recsys_engine.post_stats (user_id);

create table recsys_engine.latest_post_stats (like recsys_engine.post_stats including comments, primary key (post_id));
comment on table recsys_engine.latest_post_stats is
  'The last state of each post that recsys_engine.post_stats has, one row a post: feeds read active and trending posts from it, and the roll-up continues from it. Only recsys.roll_up() writes it, so users of a viral post never wait for its row.';
create index latest_post_stats_last_active_at_idx on recsys_engine.latest_post_stats (last_active_at desc, post_id);
create index latest_post_stats_trend_idx on recsys_engine.latest_post_stats (trend desc, post_id);
create index latest_post_stats_popularity_idx on recsys_engine.latest_post_stats (recsys_engine.popularity(recent, last_active_at) desc, post_id);

create table recsys_engine.user_stats (
  user_id uuid not null,
  last_active_at timestamptz not null,
  event_id text not null,
  sort_id bigint not null,
  views integer not null,
  votes integer not null,
  comments integer not null,
  logins integer not null,
  recent double precision[] not null,
  recent_logins double precision[] not null,
  habit_log_age double precision,
  habit_log_idle double precision,
  primary key (event_id),
  constraint user_stats_are_finite check (isfinite(last_active_at) and habit_log_age < 'Infinity' and habit_log_idle < 'Infinity')
);
comment on table recsys_engine.user_stats is 'The state of a user right after each of their interactions and logins (last_active_at). After an interaction that does not count it is that before, aged.';
comment on column recsys_engine.user_stats.user_id is 'The user.';
comment on column recsys_engine.user_stats.last_active_at is 'When the event was: the state holds from then until the next row''s.';
comment on column recsys_engine.user_stats.views is 'Posts of others viewed so far.';
comment on column recsys_engine.user_stats.votes is 'Posts of others voted for so far.';
comment on column recsys_engine.user_stats.comments is 'Posts of others commented on so far.';
comment on column recsys_engine.user_stats.logins is 'Logins so far.';
comment on column recsys_engine.user_stats.event_id is 'interaction_id, or L followed by login_id.';
comment on column recsys_engine.user_stats.sort_id is 'interaction_id or login_id: events of the same instant are in the order of (sort_id, event_id).';
comment on column recsys_engine.user_stats.recent is 'Interactions that count, decayed with half-lives of 1 hour, 6 hours, 1 day, 7 days, 30 days, as of last_active_at.';
comment on column recsys_engine.user_stats.recent_logins is 'The same for logins: login frequency.';
comment on column recsys_engine.user_stats.habit_log_age is 'Mean of ln(1 + age of the post in hours) over the interactions that count so far: does this person turn to what is new?';
comment on column recsys_engine.user_stats.habit_log_idle is 'Mean of ln(1 + hours the post had been idle) over the interactions that count so far: does this person revive what is old?';
create index user_stats_user_id_last_active_at_idx on recsys_engine.user_stats (user_id, last_active_at desc, sort_id desc, event_id desc);

create table recsys_engine.latest_user_stats (
  user_id uuid not null,
  last_active_at timestamptz not null,
  views integer not null,
  votes integer not null,
  comments integer not null,
  logins integer not null,
  recent double precision[] not null,
  recent_logins double precision[] not null,
  habit_log_age double precision,
  habit_log_idle double precision,
  primary key (user_id)
)
-- a roll-up rewrites a row in its page, where there is room, and leaves the index alone
with (fillfactor = 70);
comment on table recsys_engine.latest_user_stats is 'The last state of each user who has one in recsys_engine.user_stats, one row a user: a feed reads it, and the roll-up goes on from it, without a look into the states of all events. recsys.roll_up() is the only writer.';
comment on column recsys_engine.latest_user_stats.user_id is 'The user.';
comment on column recsys_engine.latest_user_stats.last_active_at is 'When their last event was.';
comment on column recsys_engine.latest_user_stats.views is 'Posts of others viewed so far, as in recsys_engine.user_stats.';
comment on column recsys_engine.latest_user_stats.votes is 'Posts of others voted for so far.';
comment on column recsys_engine.latest_user_stats.comments is 'Posts of others commented on so far.';
comment on column recsys_engine.latest_user_stats.logins is 'Logins so far.';
comment on column recsys_engine.latest_user_stats.recent is 'Interactions that count, decayed with half-lives of 1 hour, 6 hours, 1 day, 7 days, 30 days, as of last_active_at.';
comment on column recsys_engine.latest_user_stats.recent_logins is 'The same for logins: login frequency.';
comment on column recsys_engine.latest_user_stats.habit_log_age is 'Mean of ln(1 + age of the post in hours) over the interactions so far; null: none yet.';
comment on column recsys_engine.latest_user_stats.habit_log_idle is 'Mean of ln(1 + hours the post had been idle) over the interactions so far; null: none yet.';

alter table recsys_engine.post_stats enable row level security;
alter table recsys_engine.latest_post_stats enable row level security;
alter table recsys_engine.user_stats enable row level security;
alter table recsys_engine.latest_user_stats enable row level security;
-- "offset 0" keeps it a look-up for each row that is read: else the planner may first make a list of all posts there are
create policy "stats are read with their post" on recsys_engine.post_stats for select to authenticated
  using (exists (select from recsys.source_posts where source_posts.post_id = post_stats.post_id offset 0));
create policy "stats are read with their post" on recsys_engine.latest_post_stats for select to authenticated
  using (exists (select from recsys.source_posts where source_posts.post_id = latest_post_stats.post_id offset 0));
create policy "people read their own stats" on recsys_engine.user_stats for select to authenticated using (user_id = (select auth.uid()));
create policy "people read their own stats" on recsys_engine.latest_user_stats for select to authenticated using (user_id = (select auth.uid()));
-- user_id of post_stats says who did what, so it is not granted
grant select (post_id, last_active_at, interaction_id, kind, views, votes, comments, participants, last_comment_at, recent, trend) on recsys_engine.post_stats, recsys_engine.latest_post_stats to authenticated;
grant select on recsys_engine.user_stats, recsys_engine.latest_user_stats to authenticated;
grant select, insert, update, delete on recsys_engine.post_stats, recsys_engine.latest_post_stats, recsys_engine.user_stats, recsys_engine.latest_user_stats to service_role;

create table recsys_engine.feature_store_version (
  only_row boolean primary key default true check (only_row),
  version bigint not null default 0
);
comment on table recsys_engine.feature_store_version is 'How often the feature store has changed, in one row: what a worker keeps of it holds until then.';
comment on column recsys_engine.feature_store_version.only_row is 'Always true: there is one row.';
comment on column recsys_engine.feature_store_version.version is 'Goes up with each roll-up that wrote something.';
insert into recsys_engine.feature_store_version default values;
alter table recsys_engine.feature_store_version enable row level security;
create policy "the version is readable" on recsys_engine.feature_store_version for select to authenticated using (true);
grant select on recsys_engine.feature_store_version to authenticated;
grant select, update on recsys_engine.feature_store_version to service_role;

create table recsys_engine.rolled_up_posts (
  version bigint not null,
  post_ids uuid[],
  primary key (version)
);
comment on table recsys_engine.rolled_up_posts is 'Which posts a roll-up rewrote, of the last hundred: a worker that keeps states and vectors of posts forgets these, and everything where it missed one.';
comment on column recsys_engine.rolled_up_posts.version is 'recsys_engine.feature_store_version after it.';
comment on column recsys_engine.rolled_up_posts.post_ids is 'The posts; null: too many to name.';
alter table recsys_engine.rolled_up_posts enable row level security;
grant select, insert, delete on recsys_engine.rolled_up_posts to service_role;
