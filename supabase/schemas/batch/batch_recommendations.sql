-- Lists made ahead for everyone who is active. `recsys batch` makes them in runs: a run is one model at one instant, cut into
-- pages of users that any number of workers claim. The function `recommend` serves them when asked to, and when the ranker fails.

create table recsys_engine.batch_runs (
  run_id bigint primary key generated always as identity,
  model_id bigint not null,
  model_name text not null,
  as_of timestamptz not null,
  status text not null default 'running' check (status in ('running', 'finished', 'superseded')),
  users integer not null default 0,
  users_done integer not null default 0,
  users_failed integer not null default 0,
  last_error text,
  started_at timestamptz not null default now(),
  finished_at timestamptz
);
comment on table recsys_engine.batch_runs is 'One row per run of `recsys batch`: one model at one instant. Another model or another instant is another run.';
comment on column recsys_engine.batch_runs.run_id is 'Number of the run.';
comment on column recsys_engine.batch_runs.model_id is 'The model that ranks: the active one when the run began.';
comment on column recsys_engine.batch_runs.model_name is 'Its name, which outlives the model.';
comment on column recsys_engine.batch_runs.as_of is 'The instant, by recsys.clock(), for which every list of the run holds, whichever worker makes it and whenever.';
comment on column recsys_engine.batch_runs.status is 'running: pages are open; finished: everyone has a list; superseded: another run began before it was done.';
comment on column recsys_engine.batch_runs.users is 'How many users were active at as_of.';
comment on column recsys_engine.batch_runs.users_done is 'How many lists were written; of a running run see recsys_engine.batch_progress.';
comment on column recsys_engine.batch_runs.users_failed is 'How many users have no list of this run; those of earlier runs stay.';
comment on column recsys_engine.batch_runs.last_error is 'Why one of them has none.';
comment on column recsys_engine.batch_runs.started_at is 'When it began, by the wall clock.';
comment on column recsys_engine.batch_runs.finished_at is 'When its last page was done, or another run took its place.';
create unique index batch_runs_one_running_idx on recsys_engine.batch_runs (status) where status = 'running';

create sequence recsys_engine.batch_claim_seq;
comment on sequence recsys_engine.batch_claim_seq is 'Numbers of claims.';

create table recsys_engine.batch_pages (
  run_id bigint not null references recsys_engine.batch_runs (run_id) on delete cascade,
  page integer not null,
  user_ids uuid[] not null,
  attempts integer not null default 0,
  claim bigint,
  claimed_until timestamptz,
  done_at timestamptz,
  users_done integer not null default 0,
  users_failed integer not null default 0,
  last_error text,
  primary key (run_id, page)
);
comment on table recsys_engine.batch_pages is 'What a running run is cut into: users who get their lists together. The pages go when the run ends.';
comment on column recsys_engine.batch_pages.run_id is 'The run.';
comment on column recsys_engine.batch_pages.page is 'Number of the page, from 0.';
comment on column recsys_engine.batch_pages.user_ids is 'Whose lists are made.';
comment on column recsys_engine.batch_pages.attempts is
  'How many claims it had; after five claims without a result it is left alone.';
comment on column recsys_engine.batch_pages.claim is 'Who works on it: the number of the claim. Only its holder can complete it, so a worker that comes back after its lease writes nothing.';
comment on column recsys_engine.batch_pages.claimed_until is 'When the lease ends and others may claim it.';
comment on column recsys_engine.batch_pages.done_at is 'When its lists were written; null: not yet.';
comment on column recsys_engine.batch_pages.users_done is 'How many lists were written.';
comment on column recsys_engine.batch_pages.users_failed is 'For how many users the ranking failed.';
comment on column recsys_engine.batch_pages.last_error is 'Why, of one of them.';

create table recsys.batch_recommendations (
  user_id uuid primary key,
  run_id bigint not null,
  model_id bigint not null,
  made_at timestamptz not null,
  basis text not null check (basis in ('history', 'profile', 'followees', 'community')),
  post_ids uuid[] not null,
  scores real[] not null,
  views real[] not null,
  votes real[] not null,
  comments real[] not null,
  sources text[] not null,
  optional_probabilities jsonb,
  check (
    cardinality(scores) = cardinality(post_ids) and cardinality(views) = cardinality(post_ids) and cardinality(votes) = cardinality(post_ids)
    and cardinality(comments) = cardinality(post_ids) and cardinality(sources) = cardinality(post_ids)
  )
);
-- One row a user and not one a post: 12,800 lists took 0.2 ms each and 75 MB; as rows of posts with their two indexes, 3 to 5 ms
-- and 315 MB (at a load of 24 on 2 cores).
comment on table recsys.batch_recommendations is
  'The list of each active user, best first, as arrays of one length: 50 posts and 25 spare ones, since recsys_engine.batch_feed() drops posts that were seen, dismissed, muted, hidden or deleted later. The next run replaces it, or removes it for an inactive user.';
comment on column recsys.batch_recommendations.user_id is 'Whose list it is.';
comment on column recsys.batch_recommendations.run_id is 'The run that made it.';
comment on column recsys.batch_recommendations.model_id is 'The model that ranked; it may be gone by now.';
comment on column recsys.batch_recommendations.made_at is 'The instant, by recsys.clock(), for which it holds.';
comment on column recsys.batch_recommendations.basis is 'What it is based on, as in the answer of `recommend`: history, profile, followed or community.';
comment on column recsys.batch_recommendations.post_ids is 'The posts, best first; null where one was erased.';
comment on column recsys.batch_recommendations.scores is 'The score of each.';
comment on column recsys.batch_recommendations.views is 'The probability that the user views each.';
comment on column recsys.batch_recommendations.votes is 'The probability that the user votes for each.';
comment on column recsys.batch_recommendations.comments is 'The probability that the user comments on each.';
comment on column recsys.batch_recommendations.sources is 'What brought each: similar, active, fresh, trending, popular, followed, touched or covisited.';
comment on column recsys.batch_recommendations.optional_probabilities is 'Of each optional head that the model has, by name, the probability of each: {"dismiss": [0.02, 0.01]}; null: it has none.';

alter table recsys_engine.batch_runs enable row level security;
alter table recsys_engine.batch_pages enable row level security;
alter table recsys.batch_recommendations enable row level security;
create policy "the callers of functions read which model made their lists" on recsys_engine.batch_runs for select to authenticated using (true);
create policy "people read their own list" on recsys.batch_recommendations for select to authenticated using (user_id = (select auth.uid()));
grant select (run_id, model_id, model_name, as_of) on recsys_engine.batch_runs to authenticated;
grant select on recsys.batch_recommendations to authenticated;
grant select, insert, update, delete on recsys_engine.batch_runs, recsys_engine.batch_pages, recsys.batch_recommendations to service_role;
grant usage on sequence recsys_engine.batch_claim_seq to service_role;

create view recsys_engine.batch_progress with (security_invoker = true) as
select
  batch_runs.run_id, batch_runs.model_name, batch_runs.as_of, batch_runs.status, batch_runs.users,
  coalesce(pages.users_done, batch_runs.users_done) as users_done,
  coalesce(pages.users_failed, batch_runs.users_failed) as users_failed,
  coalesce(pages.in_work, 0) as pages_in_work,
  coalesce(pages.last_done_at, batch_runs.finished_at, batch_runs.started_at) as last_done_at
from recsys_engine.batch_runs
left join (
  select
    batch_pages.run_id, sum(batch_pages.users_done)::integer as users_done, sum(batch_pages.users_failed)::integer as users_failed,
    count(*) filter (where batch_pages.done_at is null and batch_pages.claimed_until > now())::integer as in_work,
    max(batch_pages.done_at) as last_done_at
  from recsys_engine.batch_pages
  group by batch_pages.run_id
) as pages on pages.run_id = batch_runs.run_id;
comment on view recsys_engine.batch_progress is 'How far each run is: users done and failed of all, pages that a worker has in hand, and when a page was last done.';
comment on column recsys_engine.batch_progress.run_id is 'The run.';
comment on column recsys_engine.batch_progress.model_name is 'The model that ranks.';
comment on column recsys_engine.batch_progress.as_of is 'The instant for which its lists hold.';
comment on column recsys_engine.batch_progress.status is 'As in recsys_engine.batch_runs.';
comment on column recsys_engine.batch_progress.users is 'Users who get a list.';
comment on column recsys_engine.batch_progress.users_done is 'Users who have one.';
comment on column recsys_engine.batch_progress.users_failed is 'Users for whom the ranking failed.';
comment on column recsys_engine.batch_progress.pages_in_work is 'Pages that a worker has in hand.';
comment on column recsys_engine.batch_progress.last_done_at is 'When a page was last done, or the run began.';
grant select on recsys_engine.batch_progress to service_role;

create function recsys_engine.batch_active_window() returns interval
language sql immutable security invoker set search_path = ''
as $$ select interval '30 days' $$;
comment on function recsys_engine.batch_active_window() is 'A user is active who interacted or logged in within this long before the instant of a run.';

create function recsys_engine.begin_batch_run(p_page_size integer default 64) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  active recsys.models;
  now_running recsys_engine.batch_runs;
  new_run_id bigint;
begin
  -- one run begins at a time: the second caller joins it
  perform recsys_engine.take_lock('batch');
  select * into active from recsys.models where models.status = 'active';
  if not found then
    return null;
  end if;
  select * into now_running from recsys_engine.batch_runs where batch_runs.status = 'running';
  if found then
    -- after half a night a run is about a community that is no more
    if now_running.model_id = active.model_id and now_running.started_at > now() - interval '6 hours' and now_running.started_at <= now() then
      return now_running.run_id;
    end if;
    perform recsys_engine.end_batch_run(now_running.run_id, 'superseded');
  end if;
  insert into recsys_engine.batch_runs (model_id, model_name, as_of) values (active.model_id, active.name, recsys.clock())
  returning batch_runs.run_id into new_run_id;
  insert into recsys_engine.batch_pages (run_id, page, user_ids)
  select new_run_id, numbered.page, array_agg(numbered.user_id order by numbered.user_id)
  from (
    select source_users.user_id, ((row_number() over (order by source_users.user_id) - 1) / p_page_size)::integer as page
    from recsys.source_users
    where exists (
      select from recsys_engine.user_stats
      where user_stats.user_id = source_users.user_id and user_stats.last_active_at <= recsys.clock()
        and user_stats.last_active_at > recsys.clock() - recsys_engine.batch_active_window()
    )
      and not exists (select from recsys.source_preferences where source_preferences.user_id = source_users.user_id)
  ) as numbered
  group by numbered.page;
  update recsys_engine.batch_runs
  set users = (select coalesce(sum(cardinality(batch_pages.user_ids)), 0) from recsys_engine.batch_pages where batch_pages.run_id = new_run_id)
  where batch_runs.run_id = new_run_id;
  return new_run_id;
end
$$;
comment on function recsys_engine.begin_batch_run(integer) is 'Begins a run of lists, and returns the run to work on: the one that is running if it is of the active model and less than 6 hours old, else a new one for everyone active now, in pages of p_page_size users; null: no model is active.';

create function recsys_engine.claim_batch_page(p_run_id bigint, p_lease interval) returns table (page integer, claim bigint, user_ids uuid[])
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  new_claim constant bigint := nextval('recsys_engine.batch_claim_seq');
begin
  if p_lease is null or p_lease <= interval '0' then
    raise exception 'a lease must last for a while, not %', p_lease;
  end if;
  return query
  -- materialized: a subquery that a nested loop ran again would give another page each time
  with picked as materialized (
    select open.page from recsys_engine.batch_pages as open
    where open.run_id = p_run_id and open.done_at is null and open.attempts < 5 and not recsys_engine.is_leased(open.claimed_until)
    order by open.page limit 1 for update skip locked
  )
  update recsys_engine.batch_pages as taken
  set claim = new_claim, claimed_until = now() + p_lease, attempts = taken.attempts + 1
  from picked
  where taken.run_id = p_run_id and taken.page = picked.page
  returning taken.page, taken.claim, taken.user_ids;
end
$$;
comment on function recsys_engine.claim_batch_page(bigint, interval) is
  'Claims one page of a run for p_lease. No row: no page is free, since all are done or claimed, or the run has ended.';

create function recsys_engine.complete_batch_page(
  p_run_id bigint, p_claim bigint, p_user_ids uuid[], p_bases text[], p_post_ids text[], p_scores text[], p_views text[], p_votes text[], p_comments text[],
  p_sources text[], p_failed integer, p_error text, p_optional_probabilities text[]
) returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  written integer;
begin
  perform from recsys_engine.batch_pages where batch_pages.run_id = p_run_id and batch_pages.claim = p_claim and batch_pages.done_at is null for update;
  if not found then
    return null;
  end if;
  insert into recsys.batch_recommendations as list (user_id, run_id, model_id, made_at, basis, post_ids, scores, views, votes, comments, sources, optional_probabilities)
  select made.user_id, p_run_id, batch_runs.model_id, batch_runs.as_of, made.basis, made.post_ids::uuid[], made.scores::real[], made.views::real[],
    made.votes::real[], made.comments::real[], made.sources::text[], made.optional_probabilities::jsonb
  from unnest(p_user_ids, p_bases, p_post_ids, p_scores, p_views, p_votes, p_comments, p_sources, p_optional_probabilities)
    as made (user_id, basis, post_ids, scores, views, votes, comments, sources, optional_probabilities)
  join recsys_engine.batch_runs on batch_runs.run_id = p_run_id
  -- a user deleted meanwhile gets none
  where exists (select from recsys.source_users where source_users.user_id = made.user_id)
  order by made.user_id
  on conflict (user_id) do update set
    run_id = excluded.run_id, model_id = excluded.model_id, made_at = excluded.made_at, basis = excluded.basis, post_ids = excluded.post_ids,
    scores = excluded.scores, views = excluded.views, votes = excluded.votes, comments = excluded.comments, sources = excluded.sources,
    optional_probabilities = excluded.optional_probabilities;
  get diagnostics written = row_count;
  update recsys_engine.batch_pages set done_at = clock_timestamp(), users_done = written, users_failed = p_failed, last_error = left(p_error, 1000)
  where batch_pages.run_id = p_run_id and batch_pages.claim = p_claim;
  return written;
end
$$;
comment on function recsys_engine.complete_batch_page(bigint, bigint, uuid[], text[], text[], text[], text[], text[], text[], text[], integer, text, text[]) is 'Writes the lists of a claimed page and marks it done, in one transaction. Of each user one element: lists travel as array literals, since an array of arrays would be one array. Returns how many were written; null, and nothing is written, where another claim took the page over or the run has ended.';

create function recsys_engine.release_batch_page(p_run_id bigint, p_claim bigint) returns void
language sql volatile security invoker set search_path = ''
as $$
  update recsys_engine.batch_pages set claim = null, claimed_until = null, attempts = batch_pages.attempts - 1
  where batch_pages.run_id = p_run_id and batch_pages.claim = p_claim and batch_pages.done_at is null
$$;
comment on function recsys_engine.release_batch_page(bigint, bigint) is 'Gives a claimed page back undone, as if it had not been claimed.';

create function recsys_engine.end_batch_run(p_run_id bigint, p_status text) returns void
language sql volatile security invoker set search_path = ''
as $$
  update recsys_engine.batch_runs
  set status = p_status, finished_at = now(), users_done = coalesce(pages.done, 0), users_failed = coalesce(pages.failed, 0), last_error = pages.error
  from (
    select sum(batch_pages.users_done) as done,
      -- who stands on a page that was given up failed, too
      sum(case when batch_pages.done_at is null then cardinality(batch_pages.user_ids) else batch_pages.users_failed end) as failed,
      coalesce(max(batch_pages.last_error), max('five workers did not come back with page ' || batch_pages.page) filter (where batch_pages.done_at is null)) as error
    from recsys_engine.batch_pages where batch_pages.run_id = p_run_id
  ) as pages
  where batch_runs.run_id = p_run_id and batch_runs.status = 'running';
  delete from recsys_engine.batch_pages where batch_pages.run_id = p_run_id;
$$;
comment on function recsys_engine.end_batch_run(bigint, text) is 'Ends a run as finished or superseded: what its pages say is summed up in its row, and they go.';

create function recsys_engine.finish_batch_run(p_run_id bigint) returns text
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  ended text;
begin
  perform recsys_engine.take_lock('batch');
  select batch_runs.status into ended from recsys_engine.batch_runs where batch_runs.run_id = p_run_id;
  if ended is distinct from 'running' then
    return ended;
  end if;
  if exists (
    select from recsys_engine.batch_pages
    where batch_pages.run_id = p_run_id and batch_pages.done_at is null and (batch_pages.attempts < 5 or recsys_engine.is_leased(batch_pages.claimed_until))
  ) then
    return 'running';
  end if;
  delete from recsys.batch_recommendations as list
  where list.run_id <> p_run_id and not exists (
    select from recsys_engine.batch_pages cross join unnest(batch_pages.user_ids) as active (user_id)
    where batch_pages.run_id = p_run_id and active.user_id = list.user_id
  );
  perform recsys_engine.end_batch_run(p_run_id, 'finished');
  return 'finished';
end
$$;
comment on function recsys_engine.finish_batch_run(bigint) is 'Ends a run of which no page is open: lists of users who were not active at its instant are removed. Returns the status it then has: running where pages are still open or in work.';

-- definer: no role reads the erasures of others; asked for ids that the caller has
create function recsys_engine.deleted_posts(p_post_ids uuid[], p_since timestamptz) returns uuid[]
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
  return array(select erasures.entity_id from recsys.erasures where erasures.kind = 'post' and erasures.entity_id = any (p_post_ids) and erasures.deleted_at >= p_since);
end
$$;
comment on function recsys_engine.deleted_posts(uuid[], timestamptz) is 'Those of some posts that were deleted since an instant of the wall clock, in the last two days at most, be there another post under the id by now or not. Until recsys.erase() has been through the lists made ahead, these hold their ids.';

create function recsys_engine.batch_feed(p_user_id uuid, p_limit integer, p_seed bigint default null, p_served bigint[] default null, p_filter jsonb default null)
returns table (
  now timestamptz, made_at timestamptz, model_id bigint, model_name text, basis text, post_id uuid, title text, score real, view real, vote real, comment real, source text, author_id uuid, served_key bigint,
  optional_probabilities jsonb, follows_author boolean, topic text
)
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  request recsys_engine.feed_request := recsys_engine.feed_request(p_user_id, recsys.clock(), p_filter);
begin
  request.seed := p_seed;
  request.served := p_served;
  return query
  select request.at, list.made_at, list.model_id, batch_runs.model_name, list.basis, posts.post_id, posts.title,
    listed.score, listed.view, listed.vote, listed.comment, listed.source, posts.author_id, recsys_engine.served_key(posts.post_id, p_seed),
    (
      select jsonb_object_agg(each_head.key, each_head.value -> (listed.number - 1)::integer) from jsonb_each(list.optional_probabilities) as each_head
    ),
    coalesce(posts.author_id = any (request.follows), false),
    (select tag from unnest(posts.tags) as tag where left(lower(tag), 100) = any (request.topics) limit 1)
  from recsys.batch_recommendations as list
  join recsys_engine.batch_runs on batch_runs.run_id = list.run_id
  cross join unnest(list.post_ids, list.scores, list.views, list.votes, list.comments, list.sources)
    with ordinality as listed (post_id, score, view, vote, comment, source, number)
  -- row level security decides here, and now, what may be recommended
  cross join lateral (
    select * from recsys_engine.eligible_posts(request) as eligible where eligible.post_id = listed.post_id offset 0
  ) as posts
  where list.user_id = p_user_id
    -- it knows nothing of these
    and not exists (select from recsys.source_preferences where source_preferences.user_id = p_user_id)
    -- a post that was written under the id of a deleted one is another
    and posts.created_at <= list.made_at
    and posts.post_id <> all (recsys_engine.deleted_posts(list.post_ids, now() - (recsys.clock() - list.made_at)))
  order by listed.number
  limit p_limit;
end
$$;
comment on function recsys_engine.batch_feed(uuid, integer, bigint, bigint[], jsonb) is
  'A user''s batch list as the caller may see it now, best first: without deleted, unreadable, own, interacted, dismissed, seen or muted posts, those served (p_served: recsys_engine.served_key with p_seed), and those outside p_filter. Empty for users with preferences.';

revoke all on function recsys_engine.batch_active_window(), recsys_engine.begin_batch_run(integer), recsys_engine.claim_batch_page(bigint, interval),
  recsys_engine.complete_batch_page(bigint, bigint, uuid[], text[], text[], text[], text[], text[], text[], text[], integer, text, text[]),
  recsys_engine.release_batch_page(bigint, bigint), recsys_engine.end_batch_run(bigint, text), recsys_engine.finish_batch_run(bigint),
  recsys_engine.deleted_posts(uuid[], timestamptz), recsys_engine.batch_feed(uuid, integer, bigint, bigint[], jsonb) from public;
grant execute on function recsys_engine.batch_active_window(), recsys_engine.begin_batch_run(integer), recsys_engine.claim_batch_page(bigint, interval),
  recsys_engine.complete_batch_page(bigint, bigint, uuid[], text[], text[], text[], text[], text[], text[], text[], integer, text, text[]),
  recsys_engine.release_batch_page(bigint, bigint), recsys_engine.end_batch_run(bigint, text), recsys_engine.finish_batch_run(bigint),
  recsys_engine.batch_feed(uuid, integer, bigint, bigint[], jsonb) to service_role;
grant execute on function recsys_engine.batch_feed(uuid, integer, bigint, bigint[], jsonb), recsys_engine.deleted_posts(uuid[], timestamptz) to authenticated;
