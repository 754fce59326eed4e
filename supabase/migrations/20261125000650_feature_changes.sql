-- What changed since the last roll-up. Triggers queue it in the transaction that makes the change, so nothing is lost or rolled up too early.

create table recsys.feature_changes (
  change_id bigint primary key generated always as identity,
  user_id uuid,
  post_id uuid,
  at timestamptz not null default '-infinity',
  queued_at timestamptz not null default now(),
  check (user_id is not null or post_id is not null)
)
-- a busy queue is as dead as it is long: it is vacuumed by its dead rows alone, however few are alive
with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table recsys.feature_changes is 'What recsys.roll_up() has to work off. Writers only ever append, so they never wait for each other. A post or user put in here by hand is worked out anew: insert into recsys.feature_changes (post_id) values (…).';
comment on column recsys.feature_changes.change_id is 'Number of the change.';
comment on column recsys.feature_changes.user_id is 'Whose interaction or login came, went or changed; null: the post itself did.';
comment on column recsys.feature_changes.post_id is 'The post of the interaction; null: a login.';
comment on column recsys.feature_changes.at is 'When the interaction or login happened: states before this instant stay right. -infinity: none does.';
comment on column recsys.feature_changes.queued_at is 'When the change was made: how far the feature store is behind.';
alter table recsys.feature_changes enable row level security;
grant select, insert, delete on recsys.feature_changes to service_role;

create function recsys.queue_changes() returns trigger
-- definer: people who write the app's tables may neither read nor write the queue
language plpgsql volatile security definer set search_path = ''
as $$
declare
  changed text;
begin
  changed := case tg_op
    when 'INSERT' then 'new_rows'
    when 'DELETE' then 'old_rows'
    else format('((select %1$s from old_rows except select %1$s from new_rows) union all (select %1$s from new_rows except select %1$s from old_rows))', tg_argv[4])
  end;
  execute format('insert into recsys.feature_changes (user_id, post_id, at) select %s, %s, %s from %s as changed where num_nulls(%s) = 0',
    tg_argv[0], tg_argv[1], tg_argv[2], changed, tg_argv[3]);
  return null;
end
$$;
comment on function recsys.queue_changes() is 'Trigger of watched tables: queues the rows that a statement inserted, deleted or changed. Its arguments are made by recsys.watch: user, post and time of a change, the columns without which a row is none, the columns whose change counts.';

create function recsys.queue_everything() returns trigger
-- definer: as recsys.queue_changes()
language plpgsql volatile security definer set search_path = ''
as $$
begin
  insert into recsys.feature_changes (post_id) select distinct post_stats.post_id from recsys.post_stats;
  insert into recsys.feature_changes (user_id) select distinct user_stats.user_id from recsys.user_stats;
  return null;
end
$$;
comment on function recsys.queue_everything() is 'Trigger of watched tables: a truncation does not say which rows it took, so every post and user is worked out anew.';
revoke all on function recsys.queue_changes(), recsys.queue_everything() from public;

create function recsys.watch(
  p_table regclass,
  p_kind text,
  p_id text default 'id',
  p_user_id text default 'user_id',
  p_post_id text default 'post_id',
  p_author_id text default 'author_id',
  p_created_at text default 'created_at',
  p_others text[] default '{}'
) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- what a change is, as SQL: whose, of which post, when
  changed_user text := 'null::uuid';
  changed_post text := 'null::uuid';
  changed_at text := quote_ident(p_created_at);
  needed text[];
  wrong text;
begin
  case p_kind
    when 'interactions' then
      changed_user := quote_ident(p_user_id);
      changed_post := quote_ident(p_post_id);
      needed := array[p_user_id, p_post_id, p_created_at];
    when 'logins' then
      changed_user := quote_ident(p_user_id);
      needed := array[p_user_id, p_created_at];
    when 'posts' then
      changed_post := quote_ident(p_id);
      changed_at := quote_literal('-infinity') || '::timestamptz';
      needed := array[p_id];
    else
      raise exception 'recsys.watch: kind is interactions, logins or posts, not %', coalesce(quote_literal(p_kind), 'null') using errcode = '22023';
  end case;

  if (select relkind not in ('r', 'p') from pg_catalog.pg_class where oid = p_table) then
    raise exception 'recsys.watch: % is not a table: watch the tables that a view reads', p_table using errcode = '42809';
  end if;
  select format('column %s of %s is %s, not %s', expected.name, p_table, coalesce(format_type(columns.atttypid, null), 'missing'), format_type(expected.type, null))
  into wrong
  from (
    select p_created_at, 'timestamptz'::regtype
    union all select p_user_id, 'uuid'::regtype where p_kind <> 'posts'
    union all select p_post_id, 'uuid'::regtype where p_kind = 'interactions'
    union all select unnest(array[p_id, p_author_id]), 'uuid'::regtype where p_kind = 'posts'
  ) as expected (name, type)
  left join pg_catalog.pg_attribute as columns on columns.attrelid = p_table and columns.attname = expected.name and not columns.attisdropped
  where columns.atttypid is distinct from expected.type
  limit 1;
  if wrong is not null then
    raise exception 'recsys.watch: %', wrong using errcode = '42804';
  end if;

  declare
    compared constant text := (
      select string_agg(distinct quote_ident(name), ', ')
      from unnest(needed || p_id || p_created_at || p_others || case when p_kind = 'posts' then array[p_author_id] else '{}' end) as name
    );
    arguments constant text := concat_ws(', ', quote_literal(changed_user), quote_literal(changed_post), quote_literal(changed_at),
      quote_literal((select string_agg(quote_ident(name), ', ') from unnest(needed) as name)), quote_literal(compared));
  begin
    execute format('create or replace trigger recsys_insert after insert on %s referencing new table as new_rows for each statement execute function recsys.queue_changes(%s)', p_table, arguments);
    execute format('create or replace trigger recsys_update after update on %s referencing old table as old_rows new table as new_rows for each statement execute function recsys.queue_changes(%s)', p_table, arguments);
    execute format('create or replace trigger recsys_delete after delete on %s referencing old table as old_rows for each statement execute function recsys.queue_changes(%s)', p_table, arguments);
    execute format('create or replace trigger recsys_truncate after truncate on %s for each statement execute function recsys.queue_everything()', p_table);
    -- fails here, and not in the app's next statement, where a column is missing or cannot be compared
    execute format('update %1$s set %2$I = %2$I where false', p_table, p_created_at);
  end;
  -- what is there already; the triggers hold back writers until this is committed
  if p_kind = 'logins' then
    execute format('insert into recsys.feature_changes (user_id) select distinct %1$s from %2$s where %1$s is not null', changed_user, p_table);
  else
    execute format('insert into recsys.feature_changes (post_id) select distinct %1$s from %2$s where %1$s is not null', changed_post, p_table);
  end if;
end
$$;
comment on function recsys.watch(regclass, text, text, text, text, text, text, text[]) is 'Makes changes of a table reach the feature store. p_kind: interactions, logins or posts, after the source view that reads the table. The names of the columns follow where they are not these; p_others: further columns on which the view depends, such as the one of a soft deletion. What is in the table is queued: where that is millions of rows, call recsys.roll_up(null) once by hand, without a statement_timeout. May be called again. An index on (post, time) and one on (user, time) keep the roll-up fast.';
revoke all on function recsys.watch(regclass, text, text, text, text, text, text, text[]) from public;
