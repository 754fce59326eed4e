-- Where each figure of recsys.health() should be, why, and what to do where it is not.

create table recsys.health_bounds (
  figure text primary key,
  low double precision,
  high double precision,
  enough bigint not null default 0 check (enough >= 0),
  reason text not null,
  cure text not null,
  check (low is not null or high is not null),
  check (low <= high)
);
comment on table recsys.health_bounds is 'The bounds of recsys.health(), one row a figure. Yours to change: update recsys.health_bounds set high = … where figure = ….';
comment on column recsys.health_bounds.figure is 'What is bounded, as recsys.health() begins its column what. "change of" is the last seven measured days by the 28 days before them.';
comment on column recsys.health_bounds.low is 'What it should not be below; null: no such bound.';
comment on column recsys.health_bounds.high is 'What it should not be above; null: no such bound.';
comment on column recsys.health_bounds.enough is 'Where the figure rests on fewer people, posts, feeds or acts than this, it is not judged.';
comment on column recsys.health_bounds.reason is 'Why the bound is there.';
comment on column recsys.health_bounds.cure is 'What to do where it is out of bounds.';
alter table recsys.health_bounds enable row level security;
grant select, insert, update, delete on recsys.health_bounds to service_role;

insert into recsys.health_bounds (figure, low, high, enough, reason, cure) values
  ('measuring', null, 1, 0,
    'An hourly job measures each day as soon as it is settled; a day late may be a night of maintenance, two are not.',
    'select recsys_engine.measure_days(35), as many days as the other figures look back on; then look why it does not run by itself: select * from recsys.schedules where name = ''recsys daily metrics''. Without pg_cron, npx --no-install recsys serve and npx --no-install recsys worker do it every hour'),
  ('model', 1, null, 0,
    'Without a model feeds are fresh and popular, the same for everybody.',
    'npx --no-install recsys train, then npx --no-install recsys publish'),
  ('model age', null, 45, 0,
    'On Travel a model that is not retrained for six weeks brings .887 of the posts that people act on next, one trained from scratch .894.',
    'npx --no-install recsys worker --train, and select * from recsys.training_status; where nothing new happened, all is well'),
  ('ten people', null, 0.6, 40,
    'Ten people are .22 of what a ranker learns of all of Travel, .38 of its first year. A night of which they are more was made by them, whatever each is bounded to.',
    'Who they are: select user_id, count(*) from recsys_engine.user_stats where last_active_at > recsys.clock() - interval ''7 days'' group by user_id order by count(*) desc limit 10. If they are no people, delete their accounts, npx --no-install recsys rollback, then npx --no-install recsys train and npx --no-install recsys publish: trained from scratch a model knows nothing of them'),
  ('calibration', 0.5, 2, 25,
    'The order of a feed does not suffer where all probabilities are too high alike, but whoever reads them does, and the weights of views, votes and comments no longer mean what they say. Of 25 acts the ratio is known to a fifth of itself.',
    'npx --no-install recsys train, then npx --no-install recsys publish: a training calibrates again. Where it comes back, people act on feeds more or less often than training supposes: widen this bound'),
  ('drift', null, 0.25, 200,
    'By custom above 0.25 much has changed. By chance alone it is .09 with 200 people on either side.',
    'Find out what changed: select * from recsys.daily_metrics where metric = ''drift'' order by day desc, value desc. Is the feature store up to date (select * from recsys_engine.roll_up_lag), and right (select * from recsys_engine.feature_store_differences())? If people or posts really changed: npx --no-install recsys train, then npx --no-install recsys publish'),
  ('change of rate', 0.7, null, 100,
    'Weeks of a community differ by a tenth or two; a third less is something that broke, or another public.',
    'select * from recsys_engine.model_activations order by activation_id desc limit 5: did another model come? npx --no-install recsys rollback. Otherwise compare with select * from recsys.daily_metrics where metric = ''rate by source'''),
  ('change of coverage', 0.5, null, 100,
    'Half as many posts reach anybody: a source of candidates has run dry, or many posts have no vector.',
    'select * from recsys_engine.embedding_coverage; select * from recsys.daily_metrics where metric = ''rate by source'' order by day desc: which source brings less?'),
  ('change of novelty', 0.8, null, 100,
    'A fifth fewer bits: feeds turn to what everybody knows.',
    'Compare retrieval by source as for coverage; more variety: update recsys.settings set diversity = 2'),
  ('change of fresh', 0.5, 2, 100,
    'Half or twice the share of new posts: either authors write much less or more, or new posts do not reach feeds.',
    'Do new posts get vectors (select * from recsys.embedding_queue) and features (select * from recsys_engine.roll_up_lag)? To show each of them more often: update recsys.settings set trial_impressions = 200'),
  ('change of authors', null, 1.3, 100,
    'A tenth of the authors has a third more of the feeds than before.',
    'update recsys.settings set author_decay = 0.8: each further post of an author in a page keeps that much of its score'),
  ('degraded feeds', null, 0.01, 100,
    'A restart or a switch of models costs a few feeds; one in a hundred is a fault that stays.',
    'Read the log of the function recommend: each degraded feed says why. A broken model: npx --no-install recsys rollback'),
  ('roll-up lag', null, 60, 0,
    'The roll-up runs every 10 seconds; features are that much older than feeds suppose.',
    'select * from recsys.schedules where name = ''recsys roll-up''; work a backlog off at once: select recsys.roll_up(null)'),
  ('late changes', null, 48, 0,
    'What came late is worked off at night at the latest; a night may be lost to maintenance, two are not.',
    'select * from recsys.schedules where name = ''recsys late roll-up''; all at once: set statement_timeout = 0; select recsys.roll_up(null). What fails then: select * from recsys.feature_store_failures'),
  ('embedding lag', null, 60, 0,
    'A new post is found by its text once it has its vector, seconds after it was written.',
    'Does pg_cron call embed (select * from recsys.schedules)? Otherwise: npx --no-install recsys worker');
