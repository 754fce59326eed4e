-- Whether a mute is about a post: what a feed asks of all mutes of a person at once (recsys.request_with_mutes), for one of them.

create function recsys.word_pattern(p_word text) returns text
language sql immutable security invoker
-- what a user wrote is text to be found, never an expression of its own
return pg_catalog.regexp_replace(pg_catalog.regexp_replace(pg_catalog.btrim(p_word, E' \t\r\n\f\v'), '([][(){}.*+?|^$\\])', '\\\1', 'g'), '\s+', '[[:blank:]]+', 'g');
comment on function recsys.word_pattern(text) is 'A regular expression that finds a muted word or phrase, with any blanks between its words.';

create function recsys.is_muted(p_kind text, p_value text, p_author_id uuid, p_title text, p_tags text[]) returns boolean
language sql immutable security invoker
return case p_kind
  when 'person' then case when pg_catalog.pg_input_is_valid(p_value, 'uuid') then p_value::uuid = p_author_id end
  when 'topic' then pg_catalog.lower(pg_catalog."left"(p_value, 100)) = any (pg_catalog.lower(p_tags::text)::text[])
  when 'word' then case when p_value ~ '\S' then
    pg_catalog.concat_ws(E'\n', p_title, pg_catalog.array_to_string(p_tags, E'\n')) ~* ('(^|[^[:alnum:]])(?:' || recsys.word_pattern(pg_catalog."left"(p_value, 100)) || ')([^[:alnum:]]|$)')
  end
end is true;
comment on function recsys.is_muted(text, text, uuid, text, text[]) is 'Whether a row of recsys.source_mutes, its kind and value, hides a post of that author with that title and these tags.';

revoke all on function recsys.word_pattern(text), recsys.is_muted(text, text, uuid, text, text[]) from public;
grant execute on function recsys.word_pattern(text) to authenticated, service_role;
grant execute on function recsys.is_muted(text, text, uuid, text, text[]) to service_role;
