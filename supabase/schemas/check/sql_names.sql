-- Names as statements have them that a person is to run: right whatever an app calls its tables, and in one line.

-- Called thousands of times by recsys.check(), and in plpgsql, as are recsys_engine.trigger_arguments, references_auth_user and person_read: a function in SQL is
-- planned at each call. With all four in SQL recsys.check() takes 333 ms of a processor instead of 237 for an app of 22 tables.
create function recsys_engine.quoted_sql(p_text text, p_quote text) returns text
language plpgsql immutable security invoker set search_path = ''
as $$
begin
  -- a line break within quotes would be one in the statement too, so it becomes U&"two\000alines"
  return case when p_text ~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029]' then (
    select 'U&' || p_quote || string_agg(case
      when letters.letter in ('\', p_quote) then letters.letter || letters.letter
      when letters.letter ~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029]' then '\' || lpad(to_hex(ascii(letters.letter)), 4, '0')
      else letters.letter
    end, '' order by letters.place) || p_quote
    from regexp_split_to_table(p_text, '') with ordinality as letters (letter, place)
  ) end;
end
$$;
comment on function recsys_engine.quoted_sql(text, text) is 'A text with line breaks or control characters in quotes of SQL, without them; null where it has none.';

create function recsys_engine.identifier_sql(p_name text) returns text
language sql immutable security invoker set search_path = ''
as $$ select coalesce(recsys_engine.quoted_sql(p_name, '"'), quote_ident(p_name)) $$;
comment on function recsys_engine.identifier_sql(text) is 'A name as SQL has it, quoted where that is needed, in one line.';

create function recsys_engine.literal_sql(p_text text) returns text
language sql immutable security invoker set search_path = ''
as $$ select coalesce(recsys_engine.quoted_sql(p_text, ''''), quote_literal(p_text)) $$;
comment on function recsys_engine.literal_sql(text) is 'A text as SQL has it, in quotes and in one line.';

create function recsys_engine.table_sql(p_relation regclass) returns text
language sql stable security invoker set search_path = ''
as $$
  select recsys_engine.identifier_sql(pg_namespace.nspname) || '.' || recsys_engine.identifier_sql(pg_class.relname)
  from pg_catalog.pg_class join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
  where pg_class.oid = p_relation
$$;
comment on function recsys_engine.table_sql(regclass) is 'A table or view as SQL has it, with its schema.';
revoke all on function recsys_engine.quoted_sql(text, text), recsys_engine.identifier_sql(text), recsys_engine.table_sql(regclass), recsys_engine.literal_sql(text) from public;
