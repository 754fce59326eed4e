-- What is deleted in the app is forgotten here: a trigger notes it in the transaction of the deletion itself, which costs that
-- transaction a row and no lock, and recsys.erase() does the work afterwards.

create table recsys.erasures (
  erasure_id bigint primary key generated always as identity,
  kind text not null check (kind in ('post', 'user')),
  entity_id uuid not null,
  deleted_at timestamptz not null default now(),
  erased_at timestamptz,
  strikes integer not null default 0,
  tried_at timestamptz not null default '-infinity'
);
comment on table recsys.erasures is 'Posts and users that were deleted in the app, until recsys.erase() has removed all that the engine holds of them. To have one erased by hand: insert into recsys.erasures (kind, entity_id) values (''user'', …).';
comment on column recsys.erasures.erasure_id is 'Number of the erasure.';
comment on column recsys.erasures.kind is 'post or user.';
comment on column recsys.erasures.entity_id is 'The post_id or user_id that was.';
comment on column recsys.erasures.deleted_at is 'When it was deleted in the app.';
comment on column recsys.erasures.erased_at is 'When the engine''s rows were removed for the first time; null: not yet.';
comment on column recsys.erasures.strikes is 'How often a statement limit was reached on it: then half as many are erased together, after all others.';
comment on column recsys.erasures.tried_at is 'When a part of it was erased last; -infinity: not yet.';
-- what is to go now and what is to go once more: of a million deleted yesterday neither reads the rest, each minute
create index erasures_waiting_idx on recsys.erasures (strikes, tried_at, erasure_id) where erased_at is null;
create index erasures_deleted_at_idx on recsys.erasures (deleted_at);
-- a list made ahead asks which of its posts were deleted
create index erasures_entity_id_idx on recsys.erasures (entity_id);
alter table recsys.erasures enable row level security;
grant select, insert, update, delete on recsys.erasures to service_role;

create view recsys_engine.erasable_columns with (security_invoker = true) as
select pg_class.oid::regclass as table_name, pg_attribute.attname as column_name, names.kind, names.type
from (
  values
    ('post', 'post_id', 'uuid'::regtype), ('post', 'neighbour_id', 'uuid'), ('post', 'entity_id', 'uuid'), ('post', 'post_ids', 'uuid[]'),
    ('user', 'user_id', 'uuid'), ('user', 'entity_id', 'uuid'), ('user', 'user_ids', 'uuid[]')
) as names (kind, column_name, type)
join pg_catalog.pg_attribute on pg_attribute.attname = names.column_name and pg_attribute.atttypid = names.type and not pg_attribute.attisdropped
join pg_catalog.pg_class on pg_class.oid = pg_attribute.attrelid
where pg_class.relnamespace in ('recsys'::regnamespace, 'recsys_engine'::regnamespace) and pg_class.relkind in ('r', 'p') and not pg_class.relispartition
  -- the roll-up recomputes what these hold: the states of others, too, owe something to what is gone
  and pg_class.relname not in ('feature_changes', 'deferred_changes', 'post_stats', 'user_stats')
  and (pg_class.relname, pg_attribute.attname) is distinct from ('latest_post_stats', 'user_id')
  -- gone in the transaction of the deletion, and there again for what the app has again under the same id
  and pg_class.relname not in ('post_tags', 'listed_posts')
  and pg_class.relname <> 'erasures';
comment on view recsys_engine.erasable_columns is 'Where the engine names posts and users outside of the feature store: every table with a column post_id, neighbour_id, user_id, post_ids or user_ids, or with kind and entity_id. What recsys.erase() clears; a new table is among them by itself.';
comment on column recsys_engine.erasable_columns.table_name is 'The table; also those of a model that is being published.';
comment on column recsys_engine.erasable_columns.column_name is 'The column that holds the id or ids.';
comment on column recsys_engine.erasable_columns.kind is 'Whose: post or user.';
comment on column recsys_engine.erasable_columns.type is 'uuid: the row goes. uuid[]: the id goes out of the list.';
grant select on recsys_engine.erasable_columns to service_role;

create function recsys_engine.without_ids(p_object jsonb, p_list text, p_ids uuid[]) returns jsonb
language sql immutable security invoker set search_path = ''
return case
  when p_object ? p_list then jsonb_set(p_object, array[p_list], (
    select coalesce(jsonb_agg(named.id order by named.place), '[]')
    from jsonb_array_elements_text(p_object -> p_list) with ordinality as named (id, place)
    where named.id::uuid <> all (p_ids)
  ))
  else p_object
end;
comment on function recsys_engine.without_ids(jsonb, text, uuid[]) is 'An object whose list of ids names none of these any more.';
revoke all on function recsys_engine.without_ids(jsonb, text, uuid[]) from public;
grant execute on function recsys_engine.without_ids(jsonb, text, uuid[]) to service_role;

create function recsys_engine.erase_entities(p_kind text, p_ids uuid[], p_with_lists boolean default true, p_rows bigint default null) returns bigint
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  place record;
  removed bigint;
  total bigint := 0::bigint;
begin
  -- their names come from the catalog, quoted, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  for place in
    select coalesce(leaves.relid, columns.table_name) as table_name, columns.column_name, columns.type
    from recsys_engine.erasable_columns as columns
    -- a row is found again by its place in its partition; a table that has none is no tree
    left join lateral pg_catalog.pg_partition_tree(columns.table_name) as leaves on true
    where columns.kind = p_kind and (p_with_lists or columns.column_name <> 'post_ids') and leaves.isleaf is not false
    order by coalesce(leaves.relid, columns.table_name)::text
  loop
    begin
      execute format(
        case
          when place.column_name = 'entity_id' then 'delete from %1$s where ctid = any (array(select ctid from %1$s where %2$I = any ($1) and kind = $2 limit $3))'
          when place.type = 'uuid'::regtype then 'delete from %1$s where ctid = any (array(select ctid from %1$s where %2$I = any ($1) limit $3))'
          when p_kind = 'user' then 'update %1$s set %2$I = array(select id from unnest(%2$I) with ordinality as list (id, place) where id <> all ($1) order by place) where ctid = any (array(select ctid from %1$s where %2$I && $1 limit $3))'
          -- null takes the place of a post, so that its score and the rest, in lists next to this one, stay where they belong
          else 'update %1$s set %2$I = array(select case when id <> all ($1) then id end from unnest(%2$I) with ordinality as list (id, place) order by place) where ctid = any (array(select ctid from %1$s where %2$I && $1 limit $3))'
        end, place.table_name, place.column_name)
      using p_ids, p_kind, p_rows - total;
      get diagnostics removed = row_count;
      total := total + removed;
      if total >= p_rows then
        return total;
      end if;
    exception
      -- the tables of a model that was dropped just now
      when undefined_table then null;
    end;
  end loop;
  if p_kind = 'post' then
    insert into recsys_engine.feature_changes (post_id) select unnest(p_ids);
    -- a user who interacted with it by a table that is not watched
    insert into recsys_engine.feature_changes (user_id, post_id, at)
    select post_stats.user_id, post_stats.post_id, min(post_stats.last_active_at) from recsys_engine.post_stats
    where post_stats.post_id = any (p_ids) group by post_stats.user_id, post_stats.post_id;
  else
    -- an empty list is for no user, or of no author; without the list it would be for all, or of all
    update recsys.promotions
    set people = recsys_engine.without_ids(people, 'user_ids', p_ids), filter = recsys_engine.without_ids(filter, 'author_ids', p_ids)
    where people <> recsys_engine.without_ids(people, 'user_ids', p_ids) or filter <> recsys_engine.without_ids(filter, 'author_ids', p_ids);
    get diagnostics removed = row_count;
    total := total + removed;
    insert into recsys_engine.feature_changes (user_id) select unnest(p_ids);
    -- posts that they interacted with by an unwatched table name them until this is worked off
    insert into recsys_engine.feature_changes (user_id, post_id, at)
    select post_stats.user_id, post_stats.post_id, post_stats.last_active_at from recsys_engine.post_stats where post_stats.user_id = any (p_ids);
    -- and one that cannot be worked out would name them for good
    delete from recsys_engine.post_stats
    where post_stats.user_id = any (p_ids) and exists (select from recsys_engine.failed_feature_changes where failed_feature_changes.post_id = post_stats.post_id);
    delete from recsys_engine.latest_post_stats
    where latest_post_stats.post_id in (select failed_feature_changes.post_id from recsys_engine.failed_feature_changes) and latest_post_stats.user_id = any (p_ids);
  end if;
  -- what the app has again under the same id begins from scratch
  execute format(
    'insert into recsys_engine.embedding_jobs as job (kind, entity_id)
     select $2, source.%1$s_id from recsys.source_%1$ss as source where source.%1$s_id = any ($1) order by 2
     on conflict (kind, entity_id) do update set version = job.version + 1, changed_by = excluded.changed_by', p_kind)
  using p_ids, p_kind;
  return total;
end
$$;
comment on function recsys_engine.erase_entities(text, uuid[], boolean, bigint) is
  'Clears all of recsys_engine.erasable_columns of posts or users (p_kind) and recomputes dependent states; returns how many rows it changed. p_with_lists: also lists of posts, read as a whole. p_rows: at most so many rows (null: all); call it again where it returns so many.';

create function recsys.erase(p_most integer default 10000, p_again_after interval default '2 days', p_rows bigint default 100000) returns bigint
language plpgsql volatile security invoker set search_path = ''
-- a table that is locked, such as those of a model that is just being completed, is for the next run
set lock_timeout = '500ms'
as $$
declare
  -- an hour's together: what a list of posts holds is known only from reading those of everybody
  is_again constant boolean := exists (select from recsys.erasures where erasures.deleted_at < now() - p_again_after - interval '1 hour');
  due bigint[];
  posts uuid[];
  posts_again uuid[];
  posts_back uuid[];
  users uuid[];
  -- as in recsys.roll_up(): when a statement limit is reached
  limit_at constant timestamptz := statement_timestamp() + nullif(current_setting('statement_timeout')::interval, interval '0');
  struck integer;
  most integer;
  rows_left bigint;
  removed bigint := 0::bigint;
begin
  perform recsys_engine.take_lock('erasure');
  struck := coalesce(
    (select min(erasures.strikes) from recsys.erasures where erasures.erased_at is null),
    (select min(erasures.strikes) from recsys.erasures where is_again and erasures.deleted_at < now() - p_again_after),
    0
  );
  most := case when p_most > 0 then greatest(1, p_most >> least(struck, 30)) else p_most end;
  rows_left := greatest(1000, p_rows >> least(struck, 30));
  select
    array_agg(oldest.erasure_id),
    array_agg(distinct oldest.entity_id) filter (where oldest.kind = 'post' and oldest.is_to_go and not oldest.is_last),
    array_agg(distinct oldest.entity_id) filter (where oldest.kind = 'post' and oldest.is_to_go and oldest.is_last),
    array_agg(distinct oldest.entity_id) filter (where oldest.kind = 'post' and oldest.is_last and not oldest.is_to_go),
    array_agg(distinct oldest.entity_id) filter (where oldest.kind = 'user' and oldest.is_to_go)
  into due, posts, posts_again, posts_back, users
  from (
    select
      noted.erasure_id, noted.kind, noted.entity_id, noted.is_last,
      -- the second time nothing is taken from what the app has again under the same id
      noted.erased_at is null or not (
        exists (select from recsys.source_posts where source_posts.post_id = noted.entity_id)
        or exists (select from recsys.source_users where source_users.user_id = noted.entity_id)
      ) as is_to_go
    from (
      (
        select *, deleted_at < now() - p_again_after as is_last from recsys.erasures
        where erased_at is null and strikes = struck
        order by tried_at, erasure_id
        limit most
      )
      union all
      (
        select *, true from recsys.erasures
        where is_again and erased_at is not null and deleted_at < now() - p_again_after and strikes <= struck
        order by deleted_at
        limit most
      )
    ) as noted
    order by noted.tried_at, noted.erasure_id
    limit most
  ) as oldest;
  begin
    if posts is not null then
      removed := recsys_engine.erase_entities('post', posts, false, rows_left);
    end if;
    if posts_again is not null and removed < rows_left then
      removed := removed + recsys_engine.erase_entities('post', posts_again, true, rows_left - removed);
    end if;
    if users is not null and removed < rows_left then
      removed := removed + recsys_engine.erase_entities('user', users, true, rows_left - removed);
    end if;
  exception when query_canceled then
    if limit_at is null or clock_timestamp() < limit_at then
      raise;
    end if;
    update recsys.erasures set strikes = erasures.strikes + 1, tried_at = now() where erasures.erasure_id = any (due);
    return 0::bigint;
  end;
  if removed >= rows_left then
    -- there may be more of them, after those that wait
    update recsys.erasures set tried_at = now() where erasures.erasure_id = any (due);
    return removed;
  end if;
  -- what is there again under the id keeps all of its own, and takes no place of what was deleted
  update recsys.batch_recommendations
  set post_ids = array(select case when id <> all (posts_back) then id end from unnest(post_ids) with ordinality as list (id, place) order by place)
  where posts_back is not null and post_ids && posts_back;
  delete from recsys.erasures where erasure_id = any (due) and deleted_at < now() - p_again_after;
  update recsys.erasures set erased_at = now() where erasure_id = any (due);
  return removed;
end
$$;
comment on function recsys.erase(integer, interval, bigint) is
  'Removes what the engine holds of deleted posts and users, p_most of them and p_rows rows at a time, and halves that after a timeout. After p_again_after (two days survive a clock one day ahead) it removes later writes and clears lists, then forgets the deletion. Returns the number of changed rows.';
-- the owner's: the tables of a model that is being published belong to the owner alone
revoke all on function recsys_engine.erase_entities(text, uuid[], boolean, bigint), recsys.erase(integer, interval, bigint) from public;

select recsys_engine.schedule('recsys erasure', '* * * * *', 'select recsys.erase()');
