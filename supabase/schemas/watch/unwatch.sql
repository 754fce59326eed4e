-- The end of a watch.

create function recsys.unwatch(p_table regclass, p_kind text default null, p_user_id text default null, p_post_id text default null, p_created_at text default null)
returns integer
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  ended record;
  number integer := 0;
begin
  if p_table is null then
    raise exception 'recsys.unwatch: the table is null' using errcode = '22004';
  end if;
  for ended in
    select watches.watch from recsys.watches
    where watches.table_name = p_table
      and (p_kind is null or watches.kind = p_kind) and (p_user_id is null or watches.user_column = p_user_id)
      and (p_post_id is null or watches.post_column = p_post_id) and (p_created_at is null or watches.created_column = p_created_at)
  loop
    number := number + 1;
    perform recsys_engine.drop_watch(p_table, ended.watch);
    begin
      perform recsys_engine.queue_watched(p_table, ended.watch, true);
    exception when undefined_column or undefined_table or undefined_function then
      -- columns that are gone no longer say what their rows were of
      insert into recsys_engine.feature_changes (post_id) select distinct post_stats.post_id from recsys_engine.post_stats;
      insert into recsys_engine.feature_changes (user_id) select distinct user_stats.user_id from recsys_engine.user_stats;
    end;
  end loop;
  return number;
end
$$;
comment on function recsys.unwatch(regclass, text, text, text, text) is
  'Ends what recsys.watch began: drops its triggers from a table and queues the entities of its rows, so the next roll-up follows the views. Null for a kind or column: any. Returns how many watches ended. Call it before a watched column is dropped or renamed, or after a view stops reading the table.';
revoke all on function recsys.unwatch(regclass, text, text, text, text) from public;
