-- The exposure log: what was shown to whom, where, and why. The reports of experiments read it; training takes its negatives from retrieval.

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
  explored boolean not null default false,
  propensity real check (propensity > 0 and propensity <= 1),
  view_probability real,
  vote_probability real,
  comment_probability real,
  optional_probabilities jsonb,
  degraded text check (degraded in ('unranked', 'batch', 'community')),
  seen_at timestamptz,
  team smallint check (team in (1, 2)),
  promotion_id bigint,
  mode text not null default 'live' check (mode in ('live', 'batch', 'candidates')),
  primary key (request_id, post_id, shown_at)
) partition by range (shown_at);
comment on table recsys.impressions is 'One row per post shown: position from 1, its score and the model that gave it, its source, and the features as served. A partition for each month of shown_at, made ahead by recsys_engine.make_impression_partitions().';
comment on column recsys.impressions.request_id is 'The feed: the request_id of its answer.';
comment on column recsys.impressions.user_id is 'Whom it was shown to.';
comment on column recsys.impressions.post_id is 'What was shown.';
comment on column recsys.impressions.position is 'Where in the feed, from 1, counted through its pages: each page has a request_id of its own.';
comment on column recsys.impressions.shown_at is 'When, by the engine''s clock (recsys.clock()).';
comment on column recsys.impressions.score is 'Its value to the user by the ranker alone; the selection of the page may have put it elsewhere.';
comment on column recsys.impressions.source is 'The source that ranked it best: similar, active, fresh, trending, popular, followed, touched or covisited.';
comment on column recsys.impressions.model_id is 'The model that ranked it; null: none was active.';
comment on column recsys.impressions.variant is 'The experiments that the person was in, each as experiment/variant, with commas between, such as weights/control; null: in none. It says who was meant to get what, even where the variant''s model failed and another one served.';
comment on column recsys.impressions.features is 'The ranker inputs, in the order of the model''s feature_spec; recsys_engine.impression_features gives each its name. Null: no model ranked.';
comment on column recsys.impressions.explored is 'It was there because it is under trial (recsys_engine.exploration_stats), and not by its score. In a list made ahead none is.';
comment on column recsys.impressions.propensity is 'The chance with which this post got this place, given what stands above it on its page and whether the place was drawn (recsys.settings.drawn_share): 1 where it was not. Null: not known, as in lists made ahead, in feeds that no model ranked, and for places of exploration.';
comment on column recsys.impressions.view_probability is 'How likely the ranker said a view was; null: no model ranked. Of a list made ahead, when that was made. recsys.daily_metrics holds it against what happened.';
comment on column recsys.impressions.vote_probability is 'The same of a vote.';
comment on column recsys.impressions.comment_probability is 'The same of a comment.';
comment on column recsys.impressions.optional_probabilities is 'The same of the optional heads that the model has (recsys.models.heads), by name: {"dismiss": 0.02}; null: it has none.';
comment on column recsys.impressions.degraded is 'What the feed was made of in place of what was asked for, as in its answer: unranked, batch or community; null: nothing had failed.';
comment on column recsys.impressions.seen_at is
  'When the post was visible on the reader''s screen, as the app reported to the function `events`; null: unknown. A seen post leaves the feed of that person for 30 days.';
comment on column recsys.impressions.team is
  'Of a feed that two models drafted (an experiment of kind interleaving): the team of the pick, 1 the first model''s and 2 the second''s; model_id is that model. Null: neither, or any other feed.';
comment on column recsys.impressions.promotion_id is 'What of recsys.promotions put it there, or changed its score; null: nothing.';
comment on column recsys.impressions.mode is 'live: ranked for this request; batch: from the list made ahead; candidates: posts that the app named, ranked for this request.';
create index impressions_user_id_shown_at_idx on recsys.impressions (user_id, shown_at desc);
create index impressions_user_id_seen_at_idx on recsys.impressions (user_id, seen_at desc) include (post_id) where seen_at is not null;
-- a day of all people, for recsys_engine.measure_day; rows come in the order of their times, so a few bytes for each 128 pages do
create index impressions_shown_at_idx on recsys.impressions using brin (shown_at) with (autosummarize = on);
-- a deleted post is erased from here too
create index impressions_post_id_idx on recsys.impressions (post_id);
create index impressions_promotion_id_idx on recsys.impressions (promotion_id, shown_at) where promotion_id is not null;
alter table recsys.impressions enable row level security;
create policy "people read which posts they were shown" on recsys.impressions for select to authenticated using (user_id = (select auth.uid()));
create policy "people say what they have seen" on recsys.impressions for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
-- scores and features stay the operator's
grant select (request_id, user_id, post_id, shown_at, seen_at), update (seen_at) on recsys.impressions to authenticated;
grant select, insert, update, delete on recsys.impressions to service_role;

-- One account within settings.requests_per_minute could have 9.5 GB of impressions a day written, and 135 to 180 GB of events: beyond
-- settings.impressions_per_day and settings.events_per_day they are counted and not kept.
create table recsys_engine.user_days (
  user_id uuid not null,
  day date not null default (now() at time zone 'utc')::date,
  impressions integer not null default 0,
  events integer not null default 0,
  primary key (user_id, day)
);
comment on table recsys_engine.user_days is 'What came of each person on each of the last 31 days, kept or not: who is above settings.impressions_per_day or settings.events_per_day had the rest counted only.';
comment on column recsys_engine.user_days.user_id is 'Whose.';
comment on column recsys_engine.user_days.day is 'By UTC and the wall clock.';
comment on column recsys_engine.user_days.impressions is 'Impressions to be logged.';
comment on column recsys_engine.user_days.events is 'Events that were not refused, a long comment as several.';
create index user_days_day_idx on recsys_engine.user_days (day);
alter table recsys_engine.user_days enable row level security;
create policy "people read their own days" on recsys_engine.user_days for select to authenticated using (user_id = (select auth.uid()));
grant select on recsys_engine.user_days to authenticated;
grant select, insert, update, delete on recsys_engine.user_days to service_role;
