-- An experiment's life: it is started, its shares may be changed, and it ends once. Each is one transaction under one lock.

create function recsys_engine.assign_buckets(p_experiment_id bigint) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  own_layer constant text := (select layer from recsys.experiments where experiment_id = p_experiment_id);
  each_variant record;
  given_up integer[] := '{}'::integer[];
  free_buckets integer[];
  missing integer;
begin
  -- a variant that shrinks gives people up; all others stay
  for each_variant in
    select variants.place, (variants.share * 10000)::integer as wanted, held.buckets
    from recsys.experiment_variants as variants
    cross join lateral (
      select coalesce(array_agg(bucket order by bucket), '{}') as buckets from unnest(variants.buckets) as run cross join generate_series(lower(run), upper(run) - 1) as bucket
    ) as held
    where variants.experiment_id = p_experiment_id and cardinality(held.buckets) > variants.share * 10000
    order by variants.place
  loop
    given_up := given_up || each_variant.buckets[each_variant.wanted + 1:];
    update recsys.experiment_variants
    set buckets = coalesce((select range_agg(int4range(bucket, bucket + 1)) from unnest(each_variant.buckets[:each_variant.wanted]) as bucket), '{}')
    where experiment_id = p_experiment_id and place = each_variant.place;
  end loop;
  -- what was given up goes first: who has to move anyway moves to another variant
  free_buckets := given_up || array(
    select bucket from generate_series(0, 9999) as bucket
    where bucket <> all (given_up) and not exists (
      select from recsys.experiment_variants as variants
      join recsys.experiments using (experiment_id)
      where experiments.layer = own_layer and experiments.ended_at is null and variants.buckets @> bucket
    )
    order by bucket
  );
  for each_variant in
    select variants.place, variants.variant, (variants.share * 10000 - held.number)::integer as lacking
    from recsys.experiment_variants as variants
    cross join lateral (select coalesce(sum(upper(run) - lower(run)), 0) as number from unnest(variants.buckets) as run) as held
    where variants.experiment_id = p_experiment_id and variants.share * 10000 > held.number
    order by variants.place
  loop
    missing := each_variant.lacking - cardinality(free_buckets);
    if missing > 0 then
      raise exception 'layer % has no room for variant %: % %% of all people are missing', own_layer, each_variant.variant, missing / 100.0
        using hint = 'stop an experiment of that layer, ask for smaller shares, or take another layer';
    end if;
    update recsys.experiment_variants
    set buckets = buckets + (select range_agg(int4range(bucket, bucket + 1)) from unnest(free_buckets[:each_variant.lacking]) as bucket)
    where experiment_id = p_experiment_id and place = each_variant.place;
    free_buckets := free_buckets[each_variant.lacking + 1:];
  end loop;
end
$$;
comment on function recsys_engine.assign_buckets(bigint) is 'Gives each variant of an experiment as many buckets of people as its share says, with as few people as possible moving.';

create function recsys_engine.running_experiment(p_name text) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  found_experiment record;
begin
  -- the lock of model switches: a model must not be dropped while an experiment with it begins
  perform recsys_engine.take_lock('models');
  select experiment_id, ended_at into found_experiment from recsys.experiments where name = p_name;
  if not found then
    raise exception 'there is no experiment %', coalesce(p_name, '(null)') using errcode = 'no_data_found', hint = 'select name, started_at, ended_at from recsys.experiments';
  elsif found_experiment.ended_at is not null then
    raise exception 'experiment % ended at %', p_name, found_experiment.ended_at using errcode = 'object_not_in_prerequisite_state', hint = 'start another one under another name';
  end if;
  return found_experiment.experiment_id;
end
$$;
comment on function recsys_engine.running_experiment(text) is 'The id of an experiment that runs, under the lock of all changes to experiments. Raises where there is none of that name or it has ended.';

create function recsys_engine.servable_model(p_name text) returns bigint
language plpgsql stable security invoker set search_path = ''
as $$
declare
  found_id constant bigint := (select models.model_id from recsys.models where models.name = p_name and models.status in ('ready', 'active', 'retired'));
begin
  if found_id is null and p_name is not null then
    raise exception 'there is no model "%" that could serve', p_name
      using errcode = 'invalid_parameter_value', hint = 'select name, status from recsys.models where status in (''ready'', ''active'', ''retired'')';
  end if;
  return found_id;
end
$$;
comment on function recsys_engine.servable_model(text) is 'The id of a model by its name, published and not rolled back; null for null. Raises 22023 where there is none.';

create function recsys_engine.validate_experiment_settings(p_settings jsonb) returns jsonb
language plpgsql stable security invoker set search_path = ''
as $$
declare
  -- the checks come from the catalog, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  each_setting record;
  each_check record;
  checked recsys.settings := (select settings from recsys.settings);
  holds boolean;
begin
  for each_setting in
    with overridable as (
      select pg_attribute.attname as name, format_type(pg_attribute.atttypid, pg_attribute.atttypmod) as type,
        case pg_type.typcategory when 'N' then 'number' when 'B' then 'boolean' else 'string' end as json_type
      from pg_catalog.pg_attribute
      join pg_catalog.pg_type on pg_type.oid = pg_attribute.atttypid
      -- how long a trial is cannot differ between people, who are counted together
      where pg_attribute.attrelid = 'recsys_engine.feed_settings'::regclass and pg_attribute.attname <> 'trial_impressions'
    )
    select given.key as name, given.value, overridable.type, overridable.json_type, (select string_agg(listed.name, ', ' order by listed.name) from overridable as listed) as names
    from jsonb_each(p_settings) as given
    left join overridable on overridable.name = given.key
  loop
    if each_setting.type is null then
      raise exception 'a variant cannot override %, only %', each_setting.name, each_setting.names using errcode = 'invalid_parameter_value';
    end if;
    begin
      checked := jsonb_populate_record(checked, jsonb_build_object(each_setting.name, each_setting.value));
      holds := jsonb_typeof(each_setting.value) = each_setting.json_type;
    exception
      when data_exception then holds := false;
    end;
    if not holds then
      raise exception 'setting % of a variant is %, not %', each_setting.name, each_setting.type, each_setting.value using errcode = 'invalid_parameter_value';
    end if;
  end loop;
  for each_check in
    select pg_constraint.conname as name, pg_get_expr(pg_constraint.conbin, pg_constraint.conrelid) as expression
    from pg_catalog.pg_constraint
    where pg_constraint.conrelid = 'recsys.settings'::regclass and pg_constraint.contype = 'c'
    order by pg_constraint.conname
  loop
    execute format('select (%s) is not false from (select ($1).*) as settings', each_check.expression) into holds using checked;
    if not holds then
      raise exception 'the settings % of a variant violate check constraint % of recsys.settings', p_settings, each_check.name
        using errcode = 'check_violation', detail = each_check.expression;
    end if;
  end loop;
  return (select coalesce(jsonb_object_agg(name, to_jsonb(checked) -> name), '{}') from jsonb_object_keys(p_settings) as name);
end
$$;
comment on function recsys_engine.validate_experiment_settings(jsonb) is 'The settings that a variant overrides, as they are kept: each is one that a feed reads (recsys_engine.feed_settings), has its type, and meets the checks of recsys.settings. Raises 22023 or 23514 where something is wrong with them.';

create function recsys_engine.validate_experiment_variants(p_variants jsonb) returns setof recsys.experiment_variants
language plpgsql stable security invoker set search_path = ''
as $$
declare
  each_variant record;
  wanted_model_id bigint;
  wanted_second_id bigint;
  answer recsys.experiment_variants;
begin
  if jsonb_typeof(p_variants) is distinct from 'array'
    or jsonb_array_length(p_variants) not between (case when p_variants #> '{0,interleave_with}' is null then 2 else 1 end) and 20 then
    raise exception 'variants are an array of 2 to 20, such as [{"name": "control", "share": 0.5}, {"name": "votes", "share": 0.5, "settings": {"vote_weight": 2}}]'
      using errcode = 'invalid_parameter_value';
  end if;
  for each_variant in select listed.value, listed.place::smallint as place from jsonb_array_elements(p_variants) with ordinality as listed (value, place) loop
    if jsonb_typeof(each_variant.value) <> 'object' or each_variant.value - array['name', 'share', 'model', 'interleave_with', 'settings'] <> '{}'
      or jsonb_typeof(each_variant.value -> 'name') is distinct from 'string' or jsonb_typeof(each_variant.value -> 'share') is distinct from 'number'
      or coalesce(jsonb_typeof(each_variant.value -> 'model'), 'string') <> 'string' or coalesce(jsonb_typeof(each_variant.value -> 'interleave_with'), 'string') <> 'string'
      or coalesce(jsonb_typeof(each_variant.value -> 'settings'), 'object') <> 'object' then
      raise exception 'a variant has a name, a share, and if it is to differ a model (its name), a model to interleave_with, and settings, not %', each_variant.value using errcode = 'invalid_parameter_value';
    end if;
    if (each_variant.value ->> 'share')::numeric not between 0.0001 and 1 or (each_variant.value ->> 'share')::numeric * 10000 % 1 <> 0 then
      raise exception 'the share of a variant is from 0.0001 to 1 in steps of 0.0001, not %', each_variant.value -> 'share' using errcode = 'invalid_parameter_value';
    end if;
    wanted_model_id := recsys_engine.servable_model(each_variant.value ->> 'model');
    wanted_second_id := recsys_engine.servable_model(each_variant.value ->> 'interleave_with');
    if wanted_second_id is not null then
      if jsonb_array_length(p_variants) > 1 or each_variant.value ? 'settings' then
        raise exception 'a variant that interleaves is the only one of its experiment, and has no settings: all else is the same for both models'
          using errcode = 'invalid_parameter_value';
      end if;
      -- as it is now: were another activated meanwhile, the verdict would be on a mixture
      wanted_model_id := coalesce(wanted_model_id, (select models.model_id from recsys.models where models.status = 'active'));
      if wanted_model_id is null then
        raise exception 'no model is active that could be interleaved with %', each_variant.value -> 'interleave_with'
          using errcode = 'invalid_parameter_value', hint = 'name the first one, too, as "model"';
      end if;
    end if;
    answer.place := each_variant.place;
    answer.variant := each_variant.value ->> 'name';
    answer.share := (each_variant.value ->> 'share')::numeric;
    answer.model_id := wanted_model_id;
    answer.second_model_id := wanted_second_id;
    answer.settings := recsys_engine.validate_experiment_settings(coalesce(each_variant.value -> 'settings', '{}'));
    return next answer;
  end loop;
end
$$;
comment on function recsys_engine.validate_experiment_variants(jsonb) is 'The variants that an operator wrote down, as rows without experiment and buckets. Raises 22023 where something is wrong with them.';

create function recsys.start_experiment(
  p_name text, p_variants jsonb, p_layer text default 'feed', p_outcome_window interval default '1 hour', p_max_loss real default 0.1
) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  new_experiment_id bigint;
  disputed text;
begin
  perform recsys_engine.take_lock('models');
  if exists (select from recsys.experiments where name = p_name) then
    raise exception 'there was an experiment % already', p_name using errcode = 'unique_violation', hint = 'a name is never used twice: what was shown carries it';
  end if;
  if (select sum(share) from recsys_engine.validate_experiment_variants(p_variants)) > 1 then
    raise exception 'the shares of all variants are 1 together at most' using errcode = 'invalid_parameter_value';
  end if;
  insert into recsys.experiments (name, kind, layer, salt, outcome_window, max_loss, started_at, counted_from)
  values (
    p_name, case when p_variants #> '{0,interleave_with}' is null then 'split' else 'interleaving' end, p_layer,
    coalesce((select salt from recsys.experiments where layer = p_layer and ended_at is null limit 1), gen_random_uuid()::text),
    p_outcome_window, p_max_loss, recsys.clock(), recsys.clock()
  )
  returning experiment_id into new_experiment_id;
  insert into recsys.experiment_variants (experiment_id, place, variant, share, model_id, second_model_id, settings)
  select new_experiment_id, place, variant, share, model_id, second_model_id, settings from recsys_engine.validate_experiment_variants(p_variants);
  with changes as (
    select experiments.experiment_id, experiments.name, experiments.layer, changed.key
    from recsys.experiments
    join recsys.experiment_variants as variants using (experiment_id)
    cross join lateral (
      select jsonb_object_keys(variants.settings) union all select 'model_id' where variants.model_id is not null
    ) as changed (key)
    where experiments.ended_at is null
  )
  select format('%s of experiment %s', theirs.key, theirs.name) into disputed
  from changes as own
  join changes as theirs on theirs.key = own.key and theirs.layer <> own.layer
  where own.experiment_id = new_experiment_id
  limit 1;
  if disputed is not null then
    raise exception 'experiments of different layers may not change the same thing: %', disputed
      using errcode = 'invalid_parameter_value', hint = 'start it in that one''s layer, where each has other people';
  end if;
  perform recsys_engine.assign_buckets(new_experiment_id);
  return new_experiment_id;
end
$$;
comment on function recsys.start_experiment(text, jsonb, text, interval, real) is
  'Starts an experiment and returns its id. p_variants: [{name, share, model, settings}], the first is the control; or one {name, share, interleave_with, model}. Shares may leave people out. p_outcome_window: time for an action after an impression. p_max_loss: the loss that ends it.';

create function recsys.change_shares(p_name text, p_shares jsonb) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  found_id constant bigint := recsys_engine.running_experiment(p_name);
begin
  if jsonb_typeof(p_shares) is distinct from 'object'
    or array(select jsonb_object_keys(p_shares) order by 1) <> array(select variant from recsys.experiment_variants where experiment_id = found_id order by 1)
    or exists (
      select from jsonb_each(p_shares) as given
      where case jsonb_typeof(given.value) when 'number' then given.value::numeric not between 0.0001 and 1 or given.value::numeric * 10000 % 1 <> 0 else true end
    )
    or (select sum(given.value::numeric) from jsonb_each(p_shares) as given) > 1 then
    raise exception 'shares name each variant of % once, from 0.0001 to 1 in steps of 0.0001 and 1 together at most, such as %, not %', p_name,
      (select jsonb_object_agg(variant, share) from recsys.experiment_variants where experiment_id = found_id), coalesce(p_shares::text, 'null')
      using errcode = 'invalid_parameter_value';
  end if;
  update recsys.experiment_variants set share = (p_shares ->> variant)::numeric where experiment_id = found_id;
  perform recsys_engine.assign_buckets(found_id);
  -- with other shares another mixture of days is in each variant, and a good day would look like a good variant
  update recsys.experiments set counted_from = recsys.clock() where experiment_id = found_id;
end
$$;
comment on function recsys.change_shares(text, jsonb) is 'Changes how many people are in each variant of a running experiment, {"control": 0.5, "votes": 0.5}; as few as possible move. Its report starts counting again from here.';

create function recsys.stop_experiment(p_name text, p_reason text default 'stopped by hand') returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  found_id constant bigint := recsys_engine.running_experiment(p_name);
begin
  update recsys.experiments set ended_at = recsys.clock(), end_reason = coalesce(p_reason, 'stopped by hand') where experiment_id = found_id;
end
$$;
comment on function recsys.stop_experiment(text, text) is 'Ends an experiment: from the next request on its people are served as everybody, and its report stays.';

revoke all on function recsys_engine.assign_buckets(bigint), recsys_engine.running_experiment(text), recsys_engine.servable_model(text), recsys_engine.validate_experiment_settings(jsonb), recsys_engine.validate_experiment_variants(jsonb), recsys.start_experiment(text, jsonb, text, interval, real),
  recsys.change_shares(text, jsonb), recsys.stop_experiment(text, text) from public;
grant execute on function recsys_engine.assign_buckets(bigint), recsys_engine.running_experiment(text), recsys_engine.servable_model(text), recsys_engine.validate_experiment_settings(jsonb), recsys_engine.validate_experiment_variants(jsonb), recsys.start_experiment(text, jsonb, text, interval, real),
  recsys.change_shares(text, jsonb), recsys.stop_experiment(text, text) to service_role;
