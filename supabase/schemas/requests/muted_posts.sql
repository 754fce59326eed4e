-- Whether a mute is about a post: what a feed asks of all mutes of a person at once (recsys_engine.mutes_only_request), for one of them.

create function recsys_engine.fold_text(p_text text) returns text
language sql immutable security invoker
-- what is ASCII alone is nearly all text, and has nothing to fold. The classes are written out, as regular expressions here know no scripts: marks that are accents and what
-- has no width; letters of scripts without spaces. ς, and the letter that NFKD makes two of in Thai and in Lao, are as in words.ts
return case when pg_catalog.octet_length(p_text) = pg_catalog.length(p_text) then pg_catalog.lower(p_text)
  else pg_catalog.regexp_replace(
    pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
      pg_catalog."normalize"(pg_catalog.lower(pg_catalog.regexp_replace(pg_catalog."normalize"(p_text, 'NFKD'), '[\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1-\u05c2\u05c4-\u05c5\u05c7\u0600-\u0605\u0610-\u061a\u061c\u064b-\u065f\u0670\u06d6-\u06dd\u06df-\u06e4\u06e7-\u06e8\u06ea-\u06ed\u070f\u0711\u0730-\u074a\u0890-\u0891\u0897-\u089f\u08ca-\u08ff\u0951-\u0954\u115f-\u1160\u135d-\u135f\u17b4-\u17b5\u180b-\u180f\u1885-\u1886\u18a9\u1ab0-\u1add\u1ae0-\u1aeb\u1cd0-\u1cd2\u1cd4-\u1ce8\u1ced\u1cf4\u1cf7-\u1cf9\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u20d0-\u20f0\u2cef-\u2cf1\u2de0-\u2dff\u302a-\u302f\ua66f-\ua672\ua674-\ua67d\ua69e-\ua69f\ufb1e\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\ufff9-\ufffb\U000101fd\U000102e0\U00010efa-\U00010eff\U000110bd\U000110cd\U0001133b\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001cf00-\U0001cf2d\U0001cf30-\U0001cf46\U0001d165-\U0001d169\U0001d16d-\U0001d182\U0001d185-\U0001d18b\U0001d1aa-\U0001d1ad\U0001d242-\U0001d244\U0001e000-\U0001e006\U0001e008-\U0001e018\U0001e01b-\U0001e021\U0001e023-\U0001e024\U0001e026-\U0001e02a\U0001e08f\U000e0001\U000e0020-\U000e007f\U000e0100-\U000e01ef]+', '', 'g')), 'NFC'),
      'ς', 'σ'), E'\u0e4d\u0e32', E'\u0e33'), E'\u0ecd\u0eb2', E'\u0eb3'),
    '([\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59\u0e81-\u0e82\u0e84\u0e86-\u0e8a\u0e8c-\u0ea3\u0ea5\u0ea7-\u0ebd\u0ec0-\u0ec4\u0ec6\u0ec8-\u0ece\u0ed0-\u0ed9\u0edc-\u0edf\u1000-\u1049\u1050-\u109d\u1780-\u17d3\u17d7\u17dc-\u17dd\u17e0-\u17e9\u17f0-\u17f9\u3005\u3007\u3021-\u3029\u3038-\u303b\u3041-\u3096\u3099-\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9fe\uaa60-\uaa76\uaa7a-\uaa7f\uf900-\ufa6d\ufa70-\ufad9\uff66-\uff6f\uff71-\uff9d\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001aff3\U0001aff5-\U0001affb\U0001affd-\U0001affe\U0001b000-\U0001b122\U0001b132\U0001b150-\U0001b152\U0001b155\U0001b164-\U0001b167\U00020000-\U0002a6df\U0002a700-\U0002b81d\U0002b820-\U0002cead\U0002ceb0-\U0002ebe0\U0002ebf0-\U0002ee5d\U0002f800-\U0002fa1d\U00030000-\U0003134a\U00031350-\U00033479])', ' \1 ', 'g') end;
comment on function recsys_engine.fold_text(text) is
  'Folds a text for the search of muted words: small letters, compatible forms as one (NFKD), no accents, soft hyphens or other letters without width. Letters of scripts without spaces stand apart, so that words are found in a sentence. Same as folded() in _shared/features/words.ts.';

create function recsys_engine.word_separator_class() returns text
language sql immutable security invoker
-- which marks are letters depends on the database's locale: here they all are
return '[^[:alnum:]\u07a6-\u07b0\u07eb-\u07f3\u07fd\u0816-\u0819\u081b-\u0823\u0825-\u0827\u0829-\u082d\u0859-\u085b\u0900-\u0903\u093a-\u093c\u093e-\u094f\u0955-\u0957\u0962-\u0963\u0981-\u0983\u09bc\u09be-\u09c4\u09c7-\u09c8\u09cb-\u09cd\u09d7\u09e2-\u09e3\u09fe\u0a01-\u0a03\u0a3c\u0a3e-\u0a42\u0a47-\u0a48\u0a4b-\u0a4d\u0a51\u0a70-\u0a71\u0a75\u0a81-\u0a83\u0abc\u0abe-\u0ac5\u0ac7-\u0ac9\u0acb-\u0acd\u0ae2-\u0ae3\u0afa-\u0aff\u0b01-\u0b03\u0b3c\u0b3e-\u0b44\u0b47-\u0b48\u0b4b-\u0b4d\u0b55-\u0b57\u0b62-\u0b63\u0b82\u0bbe-\u0bc2\u0bc6-\u0bc8\u0bca-\u0bcd\u0bd7\u0c00-\u0c04\u0c3c\u0c3e-\u0c44\u0c46-\u0c48\u0c4a-\u0c4d\u0c55-\u0c56\u0c62-\u0c63\u0c81-\u0c83\u0cbc\u0cbe-\u0cc4\u0cc6-\u0cc8\u0cca-\u0ccd\u0cd5-\u0cd6\u0ce2-\u0ce3\u0cf3\u0d00-\u0d03\u0d3b-\u0d3c\u0d3e-\u0d44\u0d46-\u0d48\u0d4a-\u0d4d\u0d57\u0d62-\u0d63\u0d81-\u0d83\u0dca\u0dcf-\u0dd4\u0dd6\u0dd8-\u0ddf\u0df2-\u0df3\u0f18-\u0f19\u0f35\u0f37\u0f39\u0f3e-\u0f3f\u0f71-\u0f84\u0f86-\u0f87\u0f8d-\u0f97\u0f99-\u0fbc\u0fc6\u1712-\u1715\u1732-\u1734\u1752-\u1753\u1772-\u1773\u1920-\u192b\u1930-\u193b\u1a17-\u1a1b\u1a55-\u1a5e\u1a60-\u1a7c\u1a7f\u1b00-\u1b04\u1b34-\u1b44\u1b6b-\u1b73\u1b80-\u1b82\u1ba1-\u1bad\u1be6-\u1bf3\u1c24-\u1c37\u2d7f\ua6f0-\ua6f1\ua802\ua806\ua80b\ua823-\ua827\ua82c\ua880-\ua881\ua8b4-\ua8c5\ua8e0-\ua8f1\ua8ff\ua926-\ua92d\ua947-\ua953\ua980-\ua983\ua9b3-\ua9c0\uaa29-\uaa36\uaa43\uaa4c-\uaa4d\uaab0\uaab2-\uaab4\uaab7-\uaab8\uaabe-\uaabf\uaac1\uaaeb-\uaaef\uaaf5-\uaaf6\uabe3-\uabea\uabec-\uabed\U00010376-\U0001037a\U00010a01-\U00010a03\U00010a05-\U00010a06\U00010a0c-\U00010a0f\U00010a38-\U00010a3a\U00010a3f\U00010ae5-\U00010ae6\U00010d24-\U00010d27\U00010d69-\U00010d6d\U00010eab-\U00010eac\U00010f46-\U00010f50\U00010f82-\U00010f85\U00011000-\U00011002\U00011038-\U00011046\U00011070\U00011073-\U00011074\U0001107f-\U00011082\U000110b0-\U000110ba\U000110c2\U00011100-\U00011102\U00011127-\U00011134\U00011145-\U00011146\U00011173\U00011180-\U00011182\U000111b3-\U000111c0\U000111c9-\U000111cc\U000111ce-\U000111cf\U0001122c-\U00011237\U0001123e\U00011241\U000112df-\U000112ea\U00011300-\U00011303\U0001133c\U0001133e-\U00011344\U00011347-\U00011348\U0001134b-\U0001134d\U00011357\U00011362-\U00011363\U00011366-\U0001136c\U00011370-\U00011374\U000113b8-\U000113c0\U000113c2\U000113c5\U000113c7-\U000113ca\U000113cc-\U000113d0\U000113d2\U000113e1-\U000113e2\U00011435-\U00011446\U0001145e\U000114b0-\U000114c3\U000115af-\U000115b5\U000115b8-\U000115c0\U000115dc-\U000115dd\U00011630-\U00011640\U000116ab-\U000116b7\U0001171d-\U0001172b\U0001182c-\U0001183a\U00011930-\U00011935\U00011937-\U00011938\U0001193b-\U0001193e\U00011940\U00011942-\U00011943\U000119d1-\U000119d7\U000119da-\U000119e0\U000119e4\U00011a01-\U00011a0a\U00011a33-\U00011a39\U00011a3b-\U00011a3e\U00011a47\U00011a51-\U00011a5b\U00011a8a-\U00011a99\U00011b60-\U00011b67\U00011c2f-\U00011c36\U00011c38-\U00011c3f\U00011c92-\U00011ca7\U00011ca9-\U00011cb6\U00011d31-\U00011d36\U00011d3a\U00011d3c-\U00011d3d\U00011d3f-\U00011d45\U00011d47\U00011d8a-\U00011d8e\U00011d90-\U00011d91\U00011d93-\U00011d97\U00011ef3-\U00011ef6\U00011f00-\U00011f01\U00011f03\U00011f34-\U00011f3a\U00011f3e-\U00011f42\U00011f5a\U00013440\U00013447-\U00013455\U0001611e-\U0001612f\U00016af0-\U00016af4\U00016b30-\U00016b36\U00016f4f\U00016f51-\U00016f87\U00016f8f-\U00016f92\U00016fe4\U0001bc9d-\U0001bc9e\U0001da00-\U0001da36\U0001da3b-\U0001da6c\U0001da75\U0001da84\U0001da9b-\U0001da9f\U0001daa1-\U0001daaf\U0001e130-\U0001e136\U0001e2ae\U0001e2ec-\U0001e2ef\U0001e4ec-\U0001e4ef\U0001e5ee-\U0001e5ef\U0001e6e3\U0001e6e6\U0001e6ee-\U0001e6ef\U0001e6f5\U0001e8d0-\U0001e8d6\U0001e944-\U0001e94a]';
comment on function recsys_engine.word_separator_class() is 'A regular expression class of the characters that separate words in folded text: blanks, signs, line ends.';

create function recsys_engine.without_controls(p_text text) returns text
language sql immutable security invoker
return pg_catalog.regexp_replace(pg_catalog.replace(p_text, E'\u0085', ' '), '[\u0001-\u0008\u000e-\u001f\u007f-\u009f]+', '', 'g');
comment on function recsys_engine.without_controls(text) is
  'A text without invisible control characters; U+0085, an end of a line, becomes a blank.';

create function recsys_engine.text_for_mutes(p_title text, p_tags text[]) returns text
language sql stable security invoker
-- parted by a control character, which the texts do not have: a visible sign such as | may be muted, and would hide
-- each post whose title ends in one
return pg_catalog.regexp_replace(recsys_engine.fold_text(pg_catalog.replace(recsys_engine.without_controls(
  pg_catalog.concat_ws(E'\f', pg_catalog.replace(p_title, E'\f', ' '), pg_catalog.array_to_string(p_tags, E'\f'))
), E'\f', E'\u001f')), '\s+', ' ', 'g');
comment on function recsys_engine.text_for_mutes(text, text[]) is 'What muted words are looked for in: the title and tags of a post without control characters, folded, with one blank for several, and no word or phrase across two of them. The same as MutedPosts does for lists made ahead.';

create function recsys_engine.muted_word(p_value text) returns text
language sql immutable security invoker
return nullif(pg_catalog.btrim(pg_catalog.regexp_replace(recsys_engine.fold_text(recsys_engine.without_controls(pg_catalog."left"(p_value, 100))), '\s+', ' ', 'g')), '');
comment on function recsys_engine.muted_word(text) is 'What a person muted as it is looked for in recsys_engine.text_for_mutes(): its first 100 characters, folded, with single blanks; null: nothing.';

create function recsys_engine.word_pattern(p_word text) returns text
language sql immutable security invoker
-- what a user wrote is text to be found, never an expression of its own. With any blanks between its words, and so between all letters of Chinese, an
-- expression of 100 words of five letters took 5 s to be made, and of eight 32
return pg_catalog.regexp_replace(p_word, '([][(){}.*+?|^$\\])', '\\\1', 'g');
comment on function recsys_engine.word_pattern(text) is 'A regular expression that finds a recsys_engine.muted_word().';

create function recsys_engine.muted_pattern(p_words text[]) returns text
language sql immutable security invoker
return '(^|' || recsys_engine.word_separator_class() || ')(?:'
  || (select pg_catalog.string_agg(recsys_engine.word_pattern(each.word), '|') from pg_catalog.unnest(p_words) as each (word)) || ')(' || recsys_engine.word_separator_class() || '|$)';
comment on function recsys_engine.muted_pattern(text[]) is 'A regular expression that finds one of some recsys_engine.muted_word()s, with neither letter nor digit next to it; null: of none.';

create function recsys_engine.contains_any(p_text text, p_parts text[]) returns boolean
language plpgsql immutable security invoker set search_path = ''
as $$
declare
  part text;
begin
  foreach part in array coalesce(p_parts, '{}'::text[]) loop
    if strpos(p_text, part) > 0 then
      return true;
    end if;
  end loop;
  return false;
end
$$;
comment on function recsys_engine.contains_any(text, text[]) is 'Whether one of some texts stands anywhere in a text, letter by letter.';

create function recsys_engine.has_muted_word(p_text text, p_words text[], p_pattern text) returns boolean
language sql immutable security invoker
-- of 1,000 titles with 100 words of eight Chinese letters 14 ms, and 97 where each was held against the expression
return case when recsys_engine.contains_any(p_text, p_words) then p_text ~ p_pattern else false end;
comment on function recsys_engine.has_muted_word(text, text[], text) is 'Whether one of some recsys_engine.muted_word()s stands in the recsys_engine.text_for_mutes() of a post; p_pattern: their recsys_engine.muted_pattern().';

create function recsys_engine.muted_part(p_value text) returns text
language sql immutable security invoker
-- as ilike compares: an accent is another letter, and a blank is a blank
return case when p_value ~ '\S' then pg_catalog.lower(pg_catalog."left"(p_value, 100)) end;
comment on function recsys_engine.muted_part(text) is 'A text of a mute of the kind contains or title_contains as it is looked for in small letters: its first 100 characters; null: nothing.';

create function recsys_engine.matches_mute(p_kind text, p_value text, p_author_id uuid, p_title text, p_tags text[], p_description text) returns boolean
language sql immutable security invoker
return case p_kind
  when 'person' then case when pg_catalog.pg_input_is_valid(p_value, 'uuid') then p_value::uuid = p_author_id end
  when 'topic' then pg_catalog.lower(pg_catalog."left"(p_value, 100)) = any (pg_catalog.lower(p_tags::text)::text[])
  when 'word' then case when recsys_engine.muted_word(p_value) is not null then
    recsys_engine.has_muted_word(recsys_engine.text_for_mutes(p_title, p_tags), array[recsys_engine.muted_word(p_value)], recsys_engine.muted_pattern(array[recsys_engine.muted_word(p_value)]))
  end
  when 'title_contains' then pg_catalog.strpos(pg_catalog.lower(p_title), recsys_engine.muted_part(p_value)) > 0
  when 'contains' then pg_catalog.strpos(pg_catalog.lower(p_title), recsys_engine.muted_part(p_value)) > 0 or pg_catalog.strpos(pg_catalog.lower(p_description), recsys_engine.muted_part(p_value)) > 0
end is true;
comment on function recsys_engine.matches_mute(text, text, uuid, text, text[], text) is 'Whether a mute (kind and value of a row of recsys.source_mutes) hides a post with this author, title, tags and description.';

revoke all on function recsys_engine.fold_text(text), recsys_engine.without_controls(text), recsys_engine.text_for_mutes(text, text[]), recsys_engine.word_separator_class(), recsys_engine.muted_word(text), recsys_engine.word_pattern(text), recsys_engine.muted_pattern(text[]), recsys_engine.contains_any(text, text[]), recsys_engine.muted_part(text), recsys_engine.has_muted_word(text, text[], text), recsys_engine.matches_mute(text, text, uuid, text, text[], text) from public;
grant execute on function recsys_engine.fold_text(text), recsys_engine.without_controls(text), recsys_engine.text_for_mutes(text, text[]), recsys_engine.word_separator_class(), recsys_engine.muted_word(text), recsys_engine.word_pattern(text), recsys_engine.muted_pattern(text[]), recsys_engine.contains_any(text, text[]), recsys_engine.muted_part(text), recsys_engine.has_muted_word(text, text[], text) to authenticated, service_role;
grant execute on function recsys_engine.matches_mute(text, text, uuid, text, text[], text) to service_role;
