-- A project of its own for the recommender: the app's tables come by logical replication, which fires no statement
-- trigger, and only row triggers that are enabled for it. So the subscriber calls recsys_engine.follow_replication()
-- once, and each row that arrives is queued by itself.

create function recsys_engine.queue_replicated_row() returns trigger
-- definer: as recsys_engine.queue_feature_changes()
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  -- its columns were quoted by recsys.watch, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  watch constant jsonb := tg_argv[0]::jsonb;
  kind constant text := watch ->> 'kind';
  entity constant text := watch ->> 'entity';
  as_it_was jsonb;
  as_it_is jsonb;
  -- as it was and as it is, as SQL
  versions constant text := format('select (jsonb_populate_record(null::%s, version.content)).* from unnest($1::jsonb[]) as version (content) where version.content is not null', tg_relid::regclass);
  needed text;
  ids uuid[];
begin
  if tg_op <> 'INSERT' then
    as_it_was := to_jsonb(old);
  end if;
  if tg_op <> 'DELETE' then
    as_it_is := to_jsonb(new);
  end if;
  if tg_op = 'UPDATE' and not exists (
    select from jsonb_array_elements_text(watch -> 'columns') as compared (name) where as_it_was -> compared.name is distinct from as_it_is -> compared.name
  ) then
    return null;
  end if;
  if kind in ('interactions', 'logins', 'posts') then
    needed := concat_ws(', ', case when kind <> 'posts' then quote_ident(watch ->> 'user') end, quote_ident(watch ->> 'post'), case when kind <> 'posts' then quote_ident(watch ->> 'created_at') end);
    execute format('insert into recsys_engine.feature_changes (user_id, post_id, at) select distinct %s, %s, %s from (%s) as changed where num_nulls(%s) = 0',
      coalesce(watch ->> 'changed_user', 'null::uuid'), coalesce(watch ->> 'changed_post', 'null::uuid'),
      case kind when 'posts' then quote_literal('-infinity') || '::timestamptz' else quote_ident(watch ->> 'created_at') end, versions, needed)
    using array[as_it_was, as_it_is];
  end if;
  if entity is not null then
    execute format('select array_remove(array_agg(distinct %s), null) from (%s) as changed', watch ->> 'entity_sql', versions) into ids using array[as_it_was, as_it_is];
    if entity = 'post' and kind <> 'vectors' then
      perform recsys_engine.index_sound_tags(ids);
    end if;
    if tg_op = 'DELETE' then
      ids := recsys_engine.clean_up_deleted_entities(entity, ids);
    end if;
    perform recsys_engine.enqueue_embedding_jobs(entity, ids);
    if tg_op = 'UPDATE' and entity = 'post' and kind <> 'vectors' then
      perform recsys_engine.record_edits(ids);
    end if;
  end if;
  return null;
end
$$;
comment on function recsys_engine.queue_replicated_row() is 'Trigger of tables that a subscription fills: queues a row that came, went or changed, as the triggers of recsys.watch queue a statement''s. Its argument is the watch, as in recsys.watches.';

create function recsys_engine.follow_replication() returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  each record;
  truncation name;
  followed integer := 0;
begin
  for each in select watches.table_name, watches.watch from recsys.watches loop
    execute format('create or replace trigger %1$I after insert or update or delete on %2$s for each row execute function recsys_engine.queue_replicated_row(%3$L)',
      'recsys_replicated_' || left(md5(each.watch::text), 12), each.table_name, each.watch);
    -- not of what is written here: the triggers of statements have that
    execute format('alter table %s enable replica trigger %I', each.table_name, 'recsys_replicated_' || left(md5(each.watch::text), 12));
    for truncation in
      select pg_trigger.tgname from pg_catalog.pg_trigger where pg_trigger.tgrelid = each.table_name and pg_trigger.tgname ~ '^recsys_.*truncate$' and pg_trigger.tgenabled = 'O'
    loop
      execute format('alter table %s enable always trigger %I', each.table_name, truncation);
    end loop;
    -- what was copied before
    perform recsys_engine.queue_watched(each.table_name, each.watch, true);
    followed := followed + 1;
  end loop;
  if followed = 0 then
    raise exception 'no table is watched' using hint = 'call recsys.watch for the app''s tables first';
  end if;
  return followed;
end
$$;
comment on function recsys_engine.follow_replication() is
  'For a project whose app tables arrive by logical replication, which fires no statement trigger: queues each arriving row of watched tables for feature store and vectors, and the present rows. Call it after subscribing and after each recsys.watch. Returns how many watches it follows.';

revoke all on function recsys_engine.queue_replicated_row(), recsys_engine.follow_replication() from public;
