-- The recommender, from 1.0.0 on. Written by `npm run types` from supabase/schemas and supabase/upgrade.sql: change those.

set local lock_timeout = '1s';
do $$ begin perform '[1]'::extensions.vector; end $$;

-- Vectors of posts that other models made (05_embeddings/04_text_vectors.sql).

create table recsys_engine.raw_vectors (
  post_id uuid not null primary key,
  encoder text not null check (encoder <> '' and length(encoder) <= 200),
  vector real[] not null check (array_ndims(vector) = 1 and array_lower(vector, 1) = 1 and cardinality(vector) between 2 and 4096 and array_position(vector, null) is null),
  made_of text
);

create table recsys_engine.vector_bases (
  basis_id text primary key,
  encoder text not null,
  dimension integer not null check (dimension between 2 and 4096),
  weights bytea not null check (length(weights) = dimension * 65 * 4),
  made_at timestamptz not null default now()
);

create table recsys_engine.reduced_vectors (
  post_id uuid not null,
  basis_id text not null references recsys_engine.vector_bases on delete cascade,
  components extensions.vector(64) not null,
  primary key (post_id, basis_id)
);

create table recsys_engine.encoding_jobs (
  post_id uuid primary key,
  failures integer not null default 0,
  last_error text
);
create index encoding_jobs_due_idx on recsys_engine.encoding_jobs (post_id) where failures < 5;

alter table recsys_engine.encoding_jobs enable row level security;
alter table recsys_engine.raw_vectors enable row level security;
alter table recsys_engine.vector_bases enable row level security;
alter table recsys_engine.reduced_vectors enable row level security;


alter table recsys.settings add column encoder text check (encoder = 'gte-small');

-- Ideas name the posts that they come from.
alter table recsys_engine.idea_pool add column post_ids uuid[] not null default '{}';

CREATE OR REPLACE FUNCTION recsys_engine.call_embed()
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  project_url text;
  secret_key text;
begin
  -- an empty queue costs no call
  if not recsys_engine.has_due_embedding_jobs() and not exists (select from recsys_engine.encoding_jobs where encoding_jobs.failures < 5) then
    return null;
  end if;
  -- vault and net are looked up when these lines run: where they are missing, nobody calls this
  select max(decrypted_secret) filter (where name = 'recsys_project_url'), max(decrypted_secret) filter (where name = 'recsys_secret_key')
  into project_url, secret_key
  from vault.decrypted_secrets;
  if project_url is null or secret_key is null then
    raise exception 'posts wait to be embedded, and the Vault does not say where and with which key'
      using hint = 'select vault.create_secret(''https://PROJECT.supabase.co'', ''recsys_project_url''), vault.create_secret(''sb_secret_…'', ''recsys_secret_key'')';
  end if;
  return net.http_post(
    url := rtrim(project_url, '/') || '/functions/v1/embed',
    headers := jsonb_build_object('content-type', 'application/json', 'apikey', secret_key),
    timeout_milliseconds := 15000
  );
end
$function$;

CREATE OR REPLACE FUNCTION recsys.watch(p_table regclass, p_kind text, p_id text DEFAULT 'id'::text, p_user_id text DEFAULT 'user_id'::text, p_post_id text DEFAULT 'post_id'::text, p_author_id text DEFAULT 'author_id'::text, p_created_at text DEFAULT 'created_at'::text, p_texts text[] DEFAULT NULL::text[], p_others text[] DEFAULT '{}'::text[], p_user_lookup text[] DEFAULT NULL::text[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  -- its columns are quoted by recsys_engine.person_sql and id_sql, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  has_features constant boolean := p_kind in ('interactions', 'logins', 'posts');
  has_texts constant boolean := p_kind in ('posts', 'users', 'post_texts', 'user_texts', 'vectors');
  -- whose texts they are, and the column that says so
  entity constant text := case when p_kind in ('posts', 'post_texts', 'vectors') then 'post' else 'user' end;
  entity_id constant text := case p_kind when 'post_texts' then p_post_id when 'vectors' then p_post_id when 'user_texts' then p_user_id else p_id end;
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
    when 'post_texts' then array[p_post_id] when 'vectors' then array[p_post_id] || p_texts when 'user_texts' then array[p_user_id] else '{}' end;
  stem constant text := 'recsys_' || recsys_engine.watch_name(p_kind, key);
  described jsonb;
  -- what a change of features is, as SQL: whose, of which post, when
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
    when 'users', 'post_texts', 'user_texts', 'vectors' then
      null;
    else
      raise exception 'recsys.watch: kind is interactions, logins, posts, users, post_texts, user_texts or vectors, not %', coalesce(quote_literal(p_kind), 'null')
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
  if p_kind = 'vectors' and (cardinality(p_texts) <> 1 or cardinality(p_others) > 1) then
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
    union all select p_texts[1], array['extensions.vector', 'extensions.halfvec', 'real[]', 'double precision[]']::regtype[] where p_kind = 'vectors'
    union all select p_others[1], '{text,varchar}'::regtype[] where p_kind = 'vectors' and cardinality(p_others) = 1
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
      -- of interactions of whom nobody is known any more, the post changes all the same
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
      'user', case when p_kind in ('interactions', 'logins', 'user_texts') then p_user_id when p_kind = 'users' then p_id when p_kind = 'posts' then p_author_id end,
      'post', case when p_kind in ('interactions', 'post_texts', 'vectors') then p_post_id when p_kind = 'posts' then p_id end,
      'created_at', case when has_features then p_created_at end, 'columns', compared || case when has_texts then read end,
      'changed_user', nullif(changed_user, 'null::uuid'), 'changed_post', nullif(changed_post, 'null::uuid'),
      'entity', case when has_texts then entity end, 'entity_sql', case when has_texts then entity_sql end,
      'vector_sql', case when p_kind = 'vectors' then format('%I::real[]', p_texts[1]) end,
      -- which model made it, or else the column itself stands for it
      'encoder_sql', case when p_kind = 'vectors' then coalesce(quote_ident(p_others[1]) || '::text', quote_literal(format('%s.%s', p_table, p_texts[1]))) end));
    is_replaced := exists (select from pg_catalog.pg_trigger where tgrelid = p_table and tgname ~ format('^%s_(texts_|tags_)?insert$', stem) and tgparentid = 0);
    -- what follows a column that is gone fails each statement of the app's
    perform recsys_engine.drop_watch(watches.table_name, watches.watch)
    from recsys.watches
    where watches.table_name = p_table and not recsys_engine.has_columns(p_table, array[watches.user_column, watches.post_column, watches.created_column]);
    foreach listener in array array['queue_feature_changes', 'queue_text_changes', 'index_changed_tags'] loop
      if listener = 'queue_feature_changes' then
        continue when not has_features;
        suffix := '';
        arguments := concat_ws(', ', quote_literal(changed_user), quote_literal(changed_post), quote_literal(changed_at), quote_literal(needed_sql), quote_literal(compared_sql));
      elsif listener = 'index_changed_tags' then
        continue when not has_texts or entity <> 'post' or p_kind = 'vectors';
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
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.own_vectors_sql()
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select coalesce(
    string_agg(
      format('select %s as post_id, %s as encoder, %s as vector from %s as given', watches.watch ->> 'entity_sql', watches.watch ->> 'encoder_sql', watches.watch ->> 'vector_sql', watches.table_name),
      ' union all ' order by watches.table_name::text, watches.watch::text),
    'select null::uuid as post_id, null::text as encoder, null::real[] as vector where false')
  from recsys.watches where watches.kind = 'vectors'
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.own_vector_shapes()
 RETURNS TABLE(encoder text, dimension integer, posts bigint)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  -- made of what recsys.watch quoted, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off, extra_warnings = off
  return query execute format('select own.encoder, cardinality(own.vector), count(distinct own.post_id) from (%s) as own where own.encoder is not null and cardinality(own.vector) between 2 and 4096 and own.post_id is not null group by 1, 2', recsys_engine.own_vectors_sql());
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.own_vectors(p_encoder text, p_posts uuid[])
 RETURNS TABLE(post_id uuid, vector json)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  -- as above: @plpgsql_check_options: security_warnings = off, extra_warnings = off
  return query execute format('select distinct on (own.post_id) own.post_id, array_to_json(own.vector) from (%s) as own where own.post_id = any ($2) and own.encoder = $1 and own.vector is not null order by own.post_id', recsys_engine.own_vectors_sql())
  using p_encoder, p_posts;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.missing_vectors(p_basis text, p_after uuid, p_limit integer)
 RETURNS TABLE(post_id uuid, vector json)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  -- as above: @plpgsql_check_options: security_warnings = off, extra_warnings = off
  return query execute format('select distinct on (own.post_id) own.post_id, array_to_json(own.vector) from recsys_engine.vector_bases as basis join (%s) as own on own.encoder = basis.encoder and own.vector is not null where basis.basis_id = $1 and own.post_id > $2 and not exists (select from recsys_engine.reduced_vectors as reduced where reduced.post_id = own.post_id and reduced.basis_id = basis.basis_id) order by own.post_id limit $3', recsys_engine.own_vectors_sql())
  using p_basis, p_after, p_limit;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.queue_for_encoder()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  insert into recsys_engine.encoding_jobs (post_id)
  select source_posts.post_id from recsys.source_posts
  where not exists (select from recsys_engine.raw_vectors where raw_vectors.post_id = source_posts.post_id and raw_vectors.encoder = new.encoder)
  on conflict (post_id) do nothing;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.named_posts(p_post_ids uuid[])
 RETURNS TABLE(post_id uuid, app_id text, title text)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select posts.post_id, recsys.app_id(posts.post_id, posts.external_id), coalesce(posts.title, '')
  from recsys_engine.eligible_posts(recsys_engine.request_with_mutes(auth.uid(), recsys.clock())) as eligible
  join recsys.source_posts as posts on posts.post_id = eligible.post_id
  where eligible.post_id = any (p_post_ids) and eligible.author_id is distinct from auth.uid()
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.missing_reads(p_role name)
 RETURNS TABLE(relation regclass, views text, columns text, statement text)
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select lacking.relation, string_agg(distinct lacking.view, ', ' order by lacking.view), named.columns,
    format('grant select (%s) on %s to %I', named.columns, recsys_engine.table_sql(lacking.relation), p_role)
  from (
    select reads.view, reads.relation, array_agg(reads.attnum) over (partition by reads.relation) as attnums
    from (
      select 'recsys.' || views.view as view, needed.relation, needed.attnum
      from unnest('{source_users,source_posts,source_interactions,source_logins,source_dismissals,source_mutes,source_follows,source_preferences,source_withheld,source_conversations}'::text[]) as views (view)
      cross join recsys_engine.columns_needed(p_role, to_regclass('recsys.' || views.view)) as needed
      -- logins are read by the roll-up alone
      where p_role = 'service_role' or views.view <> 'source_logins'
      union all
      -- no view is over vectors
      select 'recsys.watches', watches.table_name, pg_attribute.attnum
      from recsys.watches
      join pg_catalog.pg_attribute on pg_attribute.attrelid = watches.table_name and watches.watch -> 'columns' ? pg_attribute.attname::text
      where p_role = 'service_role' and watches.kind = 'vectors'
    ) as reads
    join pg_catalog.pg_class on pg_class.oid = reads.relation and pg_class.relnamespace not in ('recsys'::regnamespace, 'recsys_engine'::regnamespace)
    where reads.attnum <> 0 and not has_column_privilege(p_role, reads.relation, reads.attnum, 'select')
  ) as lacking
  cross join lateral (
    select string_agg(recsys_engine.identifier_sql(pg_attribute.attname), ', ' order by pg_attribute.attnum) as columns
    from pg_catalog.pg_attribute where pg_attribute.attrelid = lacking.relation and pg_attribute.attnum = any (lacking.attnums)
  ) as named
  group by lacking.relation, named.columns
$function$;

CREATE OR REPLACE FUNCTION recsys_engine.check_vectors()
 RETURNS TABLE(stops boolean, problem text, cure text)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return query
  with posts as (
    select under.relation from recsys_engine.relations_under('recsys.source_posts'::regclass) as under where under.kind in ('r', 'p')
  ),
  holders as (
    -- the post is its own row, or one that another table names, once each
    select posts.relation, pg_attribute.attname as post
    from posts
    join pg_catalog.pg_index on pg_index.indrelid = posts.relation and pg_index.indisprimary and pg_index.indnkeyatts = 1
    join pg_catalog.pg_attribute on pg_attribute.attrelid = posts.relation and pg_attribute.attnum = pg_index.indkey[0]
    union
    select pg_constraint.conrelid, pg_attribute.attname
    from posts
    join pg_catalog.pg_constraint on pg_constraint.confrelid = posts.relation and pg_constraint.contype = 'f' and cardinality(pg_constraint.conkey) = 1
    join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_constraint.conrelid and pg_attribute.attnum = pg_constraint.conkey[1]
    where exists (
      select from pg_catalog.pg_index
      where pg_index.indrelid = pg_constraint.conrelid and pg_index.indisunique and pg_index.indpred is null and pg_index.indnkeyatts = 1 and pg_index.indkey[0] = pg_constraint.conkey[1]
    )
  )
  select false,
    format('%s of %s has a vector of each post, which no tower reads%s', pg_attribute.attname, recsys_engine.table_sql(holders.relation),
      coalesce(format(': missing in %s %% of rows', round(100 * pg_stats.null_frac)), '')),
    format('select recsys.watch(%L, ''vectors''%s, p_texts => %L)', recsys_engine.table_sql(holders.relation),
      case when holders.post <> 'post_id' then format(', p_post_id => %L', holders.post) else '' end, array[pg_attribute.attname])
  from holders
  join pg_catalog.pg_attribute on pg_attribute.attrelid = holders.relation and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
    and pg_attribute.atttypid in ('extensions.vector'::regtype, 'extensions.halfvec'::regtype)
  join pg_catalog.pg_class on pg_class.oid = holders.relation
  left join pg_catalog.pg_stats on pg_stats.schemaname = pg_class.relnamespace::regnamespace::text and pg_stats.tablename = pg_class.relname and pg_stats.attname = pg_attribute.attname
  where not exists (
    select from recsys.watches
    where watches.table_name = holders.relation and watches.kind = 'vectors' and watches.watch -> 'columns' ? pg_attribute.attname::text
  );

  return query
  select false,
    format('model %s reads vectors by %s, and %s posts have one by %s: their towers go by words alone', models.name, models.feature_spec #>> '{vectors,encoder}', shapes.posts, shapes.encoder),
    'npx recsys train, then npx recsys publish: from then on the others are read'
  from recsys.models
  join recsys_engine.own_vector_shapes() as shapes on shapes.encoder <> models.feature_spec #>> '{vectors,encoder}' or shapes.dimension <> (models.feature_spec #>> '{vectors,dimension}')::integer
  where models.status = 'active';
end
$function$;

CREATE OR REPLACE FUNCTION recsys."check"()
 RETURNS TABLE(stops boolean, problem text, cure text)
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  return query
  select found.*
  from (
    select 1 as part, checked.* from recsys_engine.check_views() as checked
    union all select 2, checked.* from recsys_engine.check_access() as checked
    union all select 3, checked.* from recsys_engine.check_rows() as checked
    union all select 4, checked.* from recsys_engine.check_upkeep() as checked
    union all select 5, checked.* from recsys_engine.check_indexes() as checked
    union all select 6, checked.* from recsys_engine.check_vectors() as checked
  ) as numbered (part, stops, problem, cure)
  cross join lateral (select numbered.stops, numbered.problem, numbered.cure) as found
  order by not numbered.stops, numbered.part;
end
$function$;

CREATE TRIGGER queue_for_encoder AFTER UPDATE OF encoder ON recsys.settings FOR EACH ROW WHEN (((new.encoder IS NOT NULL) AND (new.encoder IS DISTINCT FROM old.encoder))) EXECUTE FUNCTION recsys_engine.queue_for_encoder();

CREATE TRIGGER recsys_vectors_post_id_vector_21fffa_texts_insert AFTER INSERT ON recsys_engine.raw_vectors REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION recsys_engine.queue_text_changes('post', 'post_id', 'encoder, post_id, vector', '{"kind": "vectors", "post": "post_id", "entity": "post", "others": ["encoder"], "columns": ["encoder", "post_id", "vector", "encoder"], "entity_sql": "post_id", "vector_sql": "vector::real[]", "encoder_sql": "encoder::text"}');

CREATE TRIGGER recsys_vectors_post_id_vector_21fffa_texts_update AFTER UPDATE ON recsys_engine.raw_vectors REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION recsys_engine.queue_text_changes('post', 'post_id', 'encoder, post_id, vector', '{"kind": "vectors", "post": "post_id", "entity": "post", "others": ["encoder"], "columns": ["encoder", "post_id", "vector", "encoder"], "entity_sql": "post_id", "vector_sql": "vector::real[]", "encoder_sql": "encoder::text"}');

CREATE TRIGGER recsys_vectors_post_id_vector_21fffa_texts_delete AFTER DELETE ON recsys_engine.raw_vectors REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION recsys_engine.queue_text_changes('post', 'post_id', 'encoder, post_id, vector', '{"kind": "vectors", "post": "post_id", "entity": "post", "others": ["encoder"], "columns": ["encoder", "post_id", "vector", "encoder"], "entity_sql": "post_id", "vector_sql": "vector::real[]", "encoder_sql": "encoder::text"}');

CREATE TRIGGER recsys_vectors_post_id_vector_21fffa_texts_truncate AFTER TRUNCATE ON recsys_engine.raw_vectors FOR EACH STATEMENT EXECUTE FUNCTION recsys_engine.queue_text_changes('post', 'post_id', 'encoder, post_id, vector', '{"kind": "vectors", "post": "post_id", "entity": "post", "others": ["encoder"], "columns": ["encoder", "post_id", "vector", "encoder"], "entity_sql": "post_id", "vector_sql": "vector::real[]", "encoder_sql": "encoder::text"}');

comment on column recsys.settings.encoder is 'Which of the platform''s models makes a vector of each post, for an app that keeps none itself: gte-small (English, 384 numbers). Where the function embed has none it says so once. Null: none is made.';

comment on table recsys_engine.raw_vectors is 'Vectors of posts in an app that keeps none itself: those of an imported bundle, or what the function embed made.';

comment on column recsys_engine.raw_vectors.post_id is 'The post.';

comment on column recsys_engine.raw_vectors.encoder is 'The model that made it.';

comment on column recsys_engine.raw_vectors.vector is 'What it made, of whatever length.';

comment on column recsys_engine.raw_vectors.made_of is 'The sha256 of the text that it was made of; null: not known. Of another text another is made.';

comment on table recsys_engine.vector_bases is 'By what vectors of an encoder are reduced to 64 numbers: the principal components of the community''s posts when it was made. A model names its own in recsys.models.feature_spec; the first training that finds vectors of another encoder or length makes another.';

comment on column recsys_engine.vector_bases.basis_id is 'The beginning of the sha256 of encoder and weights.';

comment on column recsys_engine.vector_bases.encoder is 'Whose vectors it reduces.';

comment on column recsys_engine.vector_bases.dimension is 'How many numbers these have.';

comment on column recsys_engine.vector_bases.weights is '[dimension, 65] 4-byte floats, little-endian: of each number its mean among vectors of length 1, and its part in each of the 64 components.';

comment on column recsys_engine.vector_bases.made_at is 'When.';

comment on table recsys_engine.reduced_vectors is 'What is kept of each post''s own vector: 64 numbers, whose inner products are those of the vectors but for .02 of kNN''s recall. The post tower reads them.';

comment on column recsys_engine.reduced_vectors.post_id is 'The post.';

comment on column recsys_engine.reduced_vectors.basis_id is 'By which they were made.';

comment on column recsys_engine.reduced_vectors.components is 'Its components, the widest first.';

comment on table recsys_engine.encoding_jobs is 'Posts whose text waits for recsys.settings.encoder, which makes a few vectors a call. Left alone after five failures, until the text changes.';

comment on column recsys_engine.encoding_jobs.post_id is 'The post.';

comment on column recsys_engine.encoding_jobs.failures is 'How often the encoder failed at it.';

comment on column recsys_engine.encoding_jobs.last_error is 'At what it failed last.';

comment on function recsys_engine.call_embed() is 'Calls the function embed where jobs are due, or texts wait for an encoder, with the project''s URL and secret key from the Vault (recsys_project_url, recsys_secret_key). Returns pg_net''s request id; null: nothing to do.';

comment on column recsys.watches.kind is 'What its rows are: interactions, logins, posts, users, post_texts, user_texts or vectors.';

comment on function recsys.watch(regclass,text,text,text,text,text,text,text[],text[],text[]) is 'Makes changes of a table reach the feature store, the vectors and recsys_engine.post_tags, by triggers named recsys_…. p_kind: what its rows are: interactions, logins, posts or users, as in the source view that reads the table; post_texts or user_texts, where they add to the text of a post (p_post_id) or user (p_user_id); or vectors, where they have a vector that another model made of a post (p_post_id): p_texts names its column, a vector, halfvec, real[] or double precision[], and p_others, if any, the one with the name of that model. p_texts: the columns that a tower reads. Ids of posts may be uuids, numbers or texts, as recsys.id_of takes them; those of people are the uuids of auth.users, or whatever p_user_lookup, {table,key,uuid} as in {public.people,id,auth_id}, has a uuid of auth.users for; the table with it is watched by that column (p_id => ''auth_id''). The names of the other columns follow where they are not these; p_others: further columns on which the view depends, such as the one of a soft deletion. What is in the table is queued: where that is millions of rows, call recsys.roll_up(null) once by hand, without a statement_timeout. May be called again: texts, p_others, p_id and p_user_lookup are then replaced. Calls of another kind, or of interactions, logins or texts by other columns for person, post or time, hold at the same time, as where a row answers one post and passes on another; recsys.watches lists them, recsys.unwatch ends one. An index on (post, time) and one on (user, time) keep the roll-up fast.';

comment on function recsys_engine.own_vectors_sql() is 'SQL for all vectors of posts that watched tables have: (post_id, encoder, vector).';

comment on function recsys_engine.own_vector_shapes() is 'How many posts have a vector of each encoder and length.';

comment on function recsys_engine.own_vectors(text,uuid[]) is 'The vectors by an encoder of those of some posts that have one, as JSON, which drivers read several times as fast as an array.';

comment on function recsys_engine.missing_vectors(text,uuid,integer) is 'The first p_limit posts after p_after, in the order of their ids, whose vector by the encoder of a basis was not reduced yet.';

comment on function recsys_engine.queue_for_encoder() is 'Trigger of recsys.settings: another encoder makes a vector of every post that has none by it.';

comment on column recsys_engine.idea_pool.post_ids is 'The posts that ideas come from and that say what is needed; the pool names them by their place in this list. Null takes the place of one that was deleted.';

comment on function recsys_engine.named_posts(uuid[]) is 'Those of some posts that the caller may read, did not write and did not mute, with their titles as they are now.';

comment on function recsys_engine.missing_reads(name) is 'The columns of the app''s tables that a role may not read though a source view, or a watch of vectors, does so for it, a row for each table, with the statement that grants these and no others.';

comment on function recsys_engine.check_vectors() is 'Columns with vectors of posts that recsys.watch was not told of, and vectors by another encoder than the active model reads. Part of recsys.check().';

revoke execute on function recsys_engine.own_vectors_sql() from public;

grant execute on function recsys_engine.own_vectors_sql() to service_role;

revoke execute on function recsys_engine.own_vector_shapes() from public;

grant execute on function recsys_engine.own_vector_shapes() to service_role;

revoke execute on function recsys_engine.own_vectors(text,uuid[]) from public;

grant execute on function recsys_engine.own_vectors(text,uuid[]) to service_role;

revoke execute on function recsys_engine.missing_vectors(text,uuid,integer) from public;

grant execute on function recsys_engine.missing_vectors(text,uuid,integer) to service_role;

revoke execute on function recsys_engine.queue_for_encoder() from public;

revoke execute on function recsys_engine.named_posts(uuid[]) from public;

grant execute on function recsys_engine.named_posts(uuid[]) to authenticated;

revoke execute on function recsys_engine.check_vectors() from public;

grant delete on table recsys_engine.raw_vectors to service_role;

grant insert on table recsys_engine.raw_vectors to service_role;

grant select on table recsys_engine.raw_vectors to service_role;

grant update on table recsys_engine.raw_vectors to service_role;

grant delete on table recsys_engine.vector_bases to service_role;

grant insert on table recsys_engine.vector_bases to service_role;

grant select on table recsys_engine.vector_bases to service_role;

grant update on table recsys_engine.vector_bases to service_role;

grant delete on table recsys_engine.reduced_vectors to service_role;

grant insert on table recsys_engine.reduced_vectors to service_role;

grant select on table recsys_engine.reduced_vectors to service_role;

grant update on table recsys_engine.reduced_vectors to service_role;

grant delete on table recsys_engine.encoding_jobs to service_role;

grant insert on table recsys_engine.encoding_jobs to service_role;

grant select on table recsys_engine.encoding_jobs to service_role;

grant update on table recsys_engine.encoding_jobs to service_role;
