-- Experiments in production: people are split into variants by a hash, and each variant is served with its own model, weights or
-- settings. Who is in which variant is written down nowhere, so there is nothing to keep in step and nothing to erase.

create table recsys.experiments (
  experiment_id bigint primary key generated always as identity,
  -- names are part of recsys.impressions.variant, which "/" and "," divide
  name text not null unique check (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  kind text not null default 'split' check (kind in ('split', 'interleaving')),
  layer text not null check (layer ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  salt text not null,
  outcome_window interval not null check (outcome_window > interval '0' and outcome_window <= interval '30 days'),
  max_loss real not null check (max_loss between 0 and 1),
  started_at timestamptz not null,
  counted_from timestamptz not null,
  started_by text not null default session_user,
  ended_at timestamptz,
  end_reason text,
  check ((ended_at is null) = (end_reason is null))
);
comment on table recsys.experiments is 'One row per experiment, running until ended_at. Begun by recsys.start_experiment, read by recsys.experiment_report or, of kind interleaving, recsys.interleaving_report. At the same time experiments of one layer have different people, and those of different layers change different things.';
comment on column recsys.experiments.experiment_id is 'Ascending in the order of their start.';
comment on column recsys.experiments.name is 'What commands and recsys.impressions.variant call it; never used twice.';
comment on column recsys.experiments.kind is 'split: each person is in one of the variants. interleaving: all people of its one variant get feeds that two models draft.';
comment on column recsys.experiments.layer is 'Experiments of one layer share its people out; those of other layers have the same people independently of it.';
comment on column recsys.experiments.salt is 'What a person is hashed with. Experiments that run in a layer together have the same; when the layer was empty it is drawn again, so that no group of people goes through experiments one after another.';
comment on column recsys.experiments.outcome_window is 'How long after a post was shown an interaction with it, or its dismissal, counts.';
comment on column recsys.experiments.max_loss is 'The guardrail: the experiment is stopped once a variant has surely lost more than this share of the views, votes, comments or long views of the first variant, or has surely so many more dismissals. 1: never.';
comment on column recsys.experiments.started_at is 'When it began, by the engine''s clock.';
comment on column recsys.experiments.counted_from is 'From when the report counts: the start, or the last change of shares.';
comment on column recsys.experiments.started_by is 'The database role that started it.';
comment on column recsys.experiments.ended_at is 'When it ended, by the engine''s clock; null: it runs.';
comment on column recsys.experiments.end_reason is 'Why it ended; null: it runs.';
create index experiments_running_idx on recsys.experiments (layer) where ended_at is null;

create table recsys.experiment_variants (
  experiment_id bigint not null references recsys.experiments (experiment_id) on delete cascade,
  place smallint not null check (place >= 1),
  variant text not null check (variant ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  share numeric(5, 4) not null check (share > 0 and share <= 1),
  buckets int4multirange not null default '{}',
  model_id bigint,
  second_model_id bigint,
  settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
  primary key (experiment_id, place),
  unique (experiment_id, variant)
);
comment on table recsys.experiment_variants is 'The variants of each experiment and what each is served with; what is null or not named is as for everybody: the active model, and recsys.settings.';
comment on column recsys.experiment_variants.experiment_id is 'The experiment.';
comment on column recsys.experiment_variants.place is 'Its number, from 1: the first is what the others are compared with.';
comment on column recsys.experiment_variants.variant is 'Its name.';
comment on column recsys.experiment_variants.share is 'The share of all people who are in it.';
comment on column recsys.experiment_variants.buckets is 'Which of the 10,000 buckets of people, of recsys_engine.bucket(), are in it.';
comment on column recsys.experiment_variants.model_id is 'The model that ranks. No foreign key: the row outlives it.';
comment on column recsys.experiment_variants.second_model_id is 'The model that drafts each feed together with model_id; null: nothing is interleaved. No foreign key: the row outlives it.';
comment on column recsys.experiment_variants.settings is 'What it is served with in place of recsys.settings, by name; checked when the experiment starts, by recsys_engine.validate_experiment_settings. {}: nothing.';

alter table recsys.experiments enable row level security;
alter table recsys.experiment_variants enable row level security;
create policy "the callers of functions read what runs" on recsys.experiments for select to authenticated using (ended_at is null);
create policy "the callers of functions read variants" on recsys.experiment_variants for select to authenticated using (true);
grant select on recsys.experiments, recsys.experiment_variants to authenticated;
grant select, insert, update, delete on recsys.experiments, recsys.experiment_variants to service_role;

-- db/experiments.test.ts holds it to sha256. Of 2^32 hashes 7,296 are left
-- over, so that no bucket is likelier than another by more than one in 429,000.
create function recsys_engine.bucket(p_user_id uuid, p_salt text) returns integer
language sql immutable security invoker
return (('x' || pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(p_salt || ':' || p_user_id::text, 'UTF8')), 'hex'), 1, 8))::bit(32)::bigint % 10000)::integer;
comment on function recsys_engine.bucket(uuid, text) is 'Which of 10,000 buckets a person is in, 0 to 9999: the first 32 bits of sha256(salt:id), modulo 10000.';

create function recsys_engine.assignment(p_user_id uuid)
returns table (variant text, model_id bigint, second_model_id bigint, settings jsonb)
language plpgsql stable security invoker set search_path = '' rows 1
as $$
begin
  -- a visitor is in none, and has no rights on them
  if p_user_id is null then
    return;
  end if;
  -- nearly always: no experiment runs, and this is all that a feed pays
  if not exists (select from recsys.experiments where experiments.ended_at is null) then
    return;
  end if;
  -- whose feed no variant can change
  if recsys_engine.feed_preference(p_user_id) <> 'personal' then
    return;
  end if;
  return query
  select
    string_agg(experiments.name || '/' || variants.variant, ',' order by experiments.name),
    -- recsys.start_experiment saw to it that of each no more than one is not null, and no setting is named twice
    max(variants.model_id), max(variants.second_model_id),
    (
      select coalesce(jsonb_object_agg(setting.key, setting.value), '{}')
      from unnest(array_agg(variants.settings)) as overrides (settings) cross join lateral jsonb_each(overrides.settings) as setting
    )
  from recsys.experiments
  join recsys.experiment_variants as variants on variants.experiment_id = experiments.experiment_id
  where experiments.ended_at is null and variants.buckets @> recsys_engine.bucket(p_user_id, experiments.salt)
  having count(*) > 0;
end
$$;
comment on function recsys_engine.assignment(uuid) is 'The variants that a person is in, as recsys.impressions.variant has them, and what they are served with; what is null or not named is as for everybody. No row: in none, as those are who want no personal feed.';

revoke all on function recsys_engine.bucket(uuid, text), recsys_engine.assignment(uuid) from public;
grant execute on function recsys_engine.bucket(uuid, text), recsys_engine.assignment(uuid) to authenticated, service_role;
