-- One call a table: recsys.watch attaches what the feature store, re-embedding and filters by tag need to know of its changes.

create function recsys.watch(
  p_table regclass,
  p_kind text,
  p_id text default 'id',
  p_user_id text default 'user_id',
  p_post_id text default 'post_id',
  p_author_id text default 'author_id',
  p_created_at text default 'created_at',
  p_texts text[] default null,
  p_others text[] default '{}',
  p_user_lookup text[] default null
) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  -- its columns are quoted by recsys_engine.person_sql and id_sql, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  has_features constant boolean := p_kind in ('interactions', 'logins', 'posts');
  has_texts constant boolean := p_kind in ('posts', 'users', 'post_texts', 'user_texts', 'vectors', 'user_vectors');
  has_vectors constant boolean := p_kind in ('vectors', 'user_vectors');
  -- whose texts they are, and the column that says so
  entity constant text := case when p_kind in ('posts', 'post_texts', 'vectors') then 'post' else 'user' end;
  entity_id constant text := case p_kind when 'post_texts' then p_post_id when 'vectors' then p_post_id when 'user_texts' then p_user_id when 'user_vectors' then p_user_id else p_id end;
  -- as SQL: the uuid of the entity
  entity_sql constant text := case entity
    when 'post' then coalesce(recsys_engine.id_sql(p_table, entity_id), quote_ident(entity_id))
    else recsys_engine.person_sql(entity_id, p_user_lookup)
  end;
  user_sql constant text := recsys_engine.person_sql(p_user_id, p_user_lookup);
  post_sql constant text := recsys_engine.id_sql(p_table, p_post_id);
  -- what tells it from another watch of the same table: a row may name two posts, two people or two times
  key constant text[] := case p_kind
    when 'interactions' then array[p_user_id, p_post_id, p_created_at] when 'logins' then array[p_user_id, p_created_at]
    when 'post_texts' then array[p_post_id] when 'vectors' then array[p_post_id] || p_texts when 'user_texts' then array[p_user_id]
    when 'user_vectors' then array[p_user_id] || p_texts else '{}' end;
  stem constant text := 'recsys_' || recsys_engine.watch_name(p_kind, key);
  described jsonb;
  -- a change of features as SQL: user, post, and time
  changed_user text := 'null::uuid';
  changed_post text := 'null::uuid';
  changed_at text := quote_ident(p_created_at);
  -- ids of people, which are uuids where they are not looked up
  person_types constant regtype[] := case when p_user_lookup is null then '{uuid}'::regtype[] else '{uuid,bigint,integer,smallint,text,varchar}'::regtype[] end;
  -- columns without which a row is none; whose change is one of features; whose change is one of a text
  needed text[];
  compared text[];
  read text[] := array[entity_id] || case p_kind when 'posts' then array[p_author_id] end || p_texts || p_others;
  wrong text;
begin
  case p_kind
    when 'interactions' then
      changed_user := user_sql;
      changed_post := post_sql;
      needed := array[p_user_id, p_post_id, p_created_at];
      compared := needed || p_id;
    when 'logins' then
      changed_user := user_sql;
      needed := array[p_user_id, p_created_at];
      compared := needed || p_id;
    when 'posts' then
      changed_post := entity_sql;
      changed_at := quote_literal('-infinity') || '::timestamptz';
      needed := array[p_id];
      compared := array[p_id, p_author_id, p_created_at];
    when 'users', 'post_texts', 'user_texts', 'vectors', 'user_vectors' then
      null;
    else
      raise exception 'recsys.watch: kind is interactions, logins, posts, users, post_texts, user_texts, vectors or user_vectors, not %', coalesce(quote_literal(p_kind), 'null')
        using errcode = '22023';
  end case;
  compared := compared || p_others;
  if p_table is null then
    raise exception 'recsys.watch: the table is null' using errcode = '22004';
  end if;
  if (select relkind not in ('r', 'p') from pg_catalog.pg_class where oid = p_table) then
    raise exception 'recsys.watch: % is not a table: watch the tables that a view reads', p_table using errcode = '42809';
  end if;
  if has_texts and p_texts is null then
    raise exception 'recsys.watch: which columns of % does a tower read? p_texts names them; {}: none', p_table using errcode = '22004';
  end if;
  if p_texts is not null and not has_texts then
    raise exception 'recsys.watch: % have no texts: watch % a second time, as post_texts or user_texts', p_kind, p_table using errcode = '22023';
  end if;
  if has_vectors and (cardinality(p_texts) <> 1 or cardinality(p_others) > 1) then
    raise exception 'recsys.watch: p_texts names the column with the vector, and p_others, if any, the one that says which model made it' using errcode = '22023';
  end if;
  select format('column %s of %s is %s', coalesce(expected.name, 'null'), p_table,
    concat_ws(', not ', coalesce(format_type(columns.atttypid, null), 'missing'), (
      select string_agg(format_type(type, null), ', ') from unnest(expected.types) as type
    )))
  into wrong
  from (
    -- people are those of auth.users; posts are whatever the app calls them
    select entity_id, person_types where has_texts and entity = 'user'
    union all select entity_id, '{uuid,bigint,integer,smallint,text,varchar}'::regtype[] where has_texts and entity = 'post'
    union all select p_created_at, '{timestamptz}'::regtype[] where has_features
    union all select p_user_id, person_types where p_kind in ('interactions', 'logins')
    union all select p_post_id, '{uuid,bigint,integer,smallint,text,varchar}'::regtype[] where p_kind = 'interactions'
    union all select p_texts[1], array['extensions.vector', 'extensions.halfvec', 'real[]', 'double precision[]']::regtype[] where has_vectors
    union all select p_others[1], '{text,varchar}'::regtype[] where has_vectors and cardinality(p_others) = 1
    union all select p_author_id, person_types where p_kind = 'posts'
    union all select unnest(compared || case when has_texts then read end), null
  ) as expected (name, types)
  left join pg_catalog.pg_attribute as columns
    on columns.attrelid = p_table and columns.attname = expected.name and columns.attnum > 0 and not columns.attisdropped
  where columns.attname is null or columns.atttypid <> all (expected.types)
  limit 1;
  if wrong is not null then
    raise exception 'recsys.watch: %', wrong using errcode = '42804';
  end if;

  declare
    needed_sql constant text := concat_ws(', ',
      (select string_agg(quote_ident(name), ', ') from unnest(needed) as name),
      -- the post changes even where all users of its interactions are unknown by now
      case when p_kind = 'logins' and p_user_lookup is not null then user_sql end);
    compared_sql constant text := (select string_agg(distinct quote_ident(name), ', ') from unnest(compared) as name);
    texts_sql constant text := (select string_agg(distinct quote_ident(name), ', ') from unnest(read) as name);
    listener text;
    suffix text;
    arguments text;
    operation text;
    rows_sql text;
    is_replaced boolean;
  begin
    -- fails here, and not in the app's next statement, where a column cannot be compared
    execute format('select %1$s from %2$s where false except all select %1$s from %2$s where false',
      (select string_agg(distinct quote_ident(name), ', ') from unnest(compared || case when has_texts then read end) as name), p_table);
    execute format('select %s from %s as changed where false', case when entity = 'user' and has_texts then entity_sql when changed_user = user_sql then user_sql else 'null' end, p_table);
    described := jsonb_strip_nulls(jsonb_build_object(
      'kind', p_kind, 'others', p_others,
      'user', case when p_kind in ('interactions', 'logins', 'user_texts', 'user_vectors') then p_user_id when p_kind = 'users' then p_id when p_kind = 'posts' then p_author_id end,
      'post', case when p_kind in ('interactions', 'post_texts', 'vectors') then p_post_id when p_kind = 'posts' then p_id end,
      'created_at', case when has_features then p_created_at end, 'columns', compared || case when has_texts then read end,
      'changed_user', nullif(changed_user, 'null::uuid'), 'changed_post', nullif(changed_post, 'null::uuid'),
      'entity', case when has_texts then entity end, 'entity_sql', case when has_texts then entity_sql end,
      -- who is looked up is joined, so that an index finds whom a batch asks for
      'lookup', case when p_kind = 'user_vectors' then p_user_lookup end,
      'own_sql', case when has_vectors then case when entity = 'post' then entity_sql when p_user_lookup is null then format('changed.%I', p_user_id) else format('people.%I', p_user_lookup[3]) end end,
      'join_sql', case when p_kind = 'user_vectors' and p_user_lookup is not null
        then format('join %s as people on people.%I = changed.%I', to_regclass(p_user_lookup[1]), p_user_lookup[2], p_user_id) end,
      'vector_sql', case when has_vectors then format(
        case (select pg_attribute.atttypid from pg_catalog.pg_attribute where pg_attribute.attrelid = p_table and pg_attribute.attname = p_texts[1])
          when 'double precision[]'::regtype then 'recsys_engine.real_numbers(changed.%I)' else 'changed.%I::real[]' end, p_texts[1]) end,
      -- which model made it, or else the column itself stands for it; of users, the one that made those of the posts
      'encoder_sql', case when has_vectors then coalesce('changed.' || quote_ident(p_others[1]) || '::text', quote_literal(case entity when 'user' then '' else format('%s.%s', p_table, p_texts[1]) end)) end));
    is_replaced := exists (select from pg_catalog.pg_trigger where tgrelid = p_table and tgname ~ format('^%s_(texts_|tags_)?insert$', stem) and tgparentid = 0);
    -- what follows a column that is gone fails each statement of the app's
    perform recsys_engine.drop_watch(watches.table_name, watches.watch)
    from recsys.watches
    where watches.table_name = p_table and not recsys_engine.has_columns(p_table, case watches.kind
      -- a vector's other column is another watch
      when 'vectors' then array(select jsonb_array_elements_text(watches.watch -> 'columns'))
      when 'user_vectors' then array(select jsonb_array_elements_text(watches.watch -> 'columns'))
      else array[watches.user_column, watches.post_column, watches.created_column] end);
    foreach listener in array array['queue_feature_changes', 'queue_text_changes', 'index_changed_tags'] loop
      if listener = 'queue_feature_changes' then
        continue when not has_features;
        suffix := '';
        arguments := concat_ws(', ', quote_literal(changed_user), quote_literal(changed_post), quote_literal(changed_at), quote_literal(needed_sql), quote_literal(compared_sql));
      elsif listener = 'index_changed_tags' then
        continue when not has_texts or entity <> 'post' or has_vectors;
        suffix := '_tags';
        arguments := concat_ws(', ', quote_literal(entity_sql),
          quote_literal((select string_agg(distinct quote_ident(name), ', ') from unnest(read || case p_kind when 'posts' then p_created_at end) as name)));
      else
        continue when not has_texts;
        suffix := '_texts';
        arguments := concat_ws(', ', quote_literal(entity), quote_literal(entity_sql), quote_literal(texts_sql));
      end if;
      foreach operation in array array['insert', 'update', 'delete', 'truncate'] loop
        rows_sql := case operation
          when 'insert' then 'referencing new table as new_rows'
          when 'update' then 'referencing old table as old_rows new table as new_rows'
          when 'delete' then 'referencing old table as old_rows'
        end;
        execute format('create or replace trigger %I after %s on %s %s for each statement execute function recsys_engine.%I(%s, %L)',
          stem || suffix || '_' || operation, operation, p_table, rows_sql, listener, arguments, described);
      end loop;
    end loop;
    -- what is there already; the triggers hold back writers until this is committed
    perform recsys_engine.queue_watched(p_table, described, is_replaced);
  end;
end
$$;
comment on function recsys.watch(regclass, text, text, text, text, text, text, text[], text[], text[]) is
  'Follows a table by triggers (recsys_…) into feature store, vectors and recsys_engine.post_tags. p_kind: interactions, logins, posts, users, post_texts, user_texts, vectors, user_vectors. Queues present rows. A second call replaces texts, p_others, p_id, p_user_lookup. See docs/adopting.md.';
revoke all on function recsys.watch(regclass, text, text, text, text, text, text, text[], text[], text[]) from public;
