-- Ids of apps whose posts have numbers or texts for keys. The engine knows a post by a uuid; these make one of the app's id, and turn it back.
-- A number is in the uuid itself (RFC 9562, version 8: whatever its maker wants), so turning it back asks nothing. A text may be longer
-- than a uuid, so its hash stands for it, and source_posts.external_id, read under the caller's role, says which it was: a table of ids next to
-- the app's would have to follow every insertion, and be hidden and erased with each post.

-- inlined where it is asked, so that an index on recsys.id_of(id) is found
create function recsys.id_of(p_id bigint) returns uuid
language sql immutable security invoker
return pg_catalog.overlay('7265637379738' || '00' || pg_catalog.lpad(pg_catalog.to_hex(p_id), 16, '0'), '8', 17, 0)::uuid;
comment on function recsys.id_of(bigint) is 'The uuid that stands for a post with a number for its id: 72656373-7973-8000-8000-000000000001 for 1. recsys.app_id turns it back. Null: null.';

create function recsys.id_of(p_id text) returns uuid
language sql immutable security invoker
return pg_catalog.overlay(pg_catalog.overlay(
  pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(p_id, 'UTF8')), 'hex'), 1, 32), '8', 13, 1
), '8', 17, 1)::uuid;
comment on function recsys.id_of(text) is 'The uuid that stands for a post with a text for its id, such as a slug: 120 bits of its sha256. The view shows the text as external_id, by which recsys.app_id turns it back. Null: null.';

-- the same digits with 9 for 8, as no post has them
create function recsys.person_id_of(p_id bigint) returns uuid
language sql immutable security invoker
return pg_catalog.overlay('7265637379738' || '00' || pg_catalog.lpad(pg_catalog.to_hex(p_id), 16, '0'), '9', 17, 0)::uuid;
comment on function recsys.person_id_of(bigint) is 'The uuid that stands for a person with a number for a key and no account: 72656373-7973-8000-9000-000000000001 for 1. No post has it. Null: null.';

create function recsys.person_id_of(p_id text) returns uuid
language sql immutable security invoker
return pg_catalog.overlay(pg_catalog.overlay(
  pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(p_id, 'UTF8')), 'hex'), 1, 32), '8', 13, 1
), '9', 17, 1)::uuid;
comment on function recsys.person_id_of(text) is 'The uuid that stands for a person with a text for a key and no account: 120 bits of its sha256. No post has it. Null: null.';

create function recsys.app_id(p_id uuid, p_external_id text default null) returns text
language sql immutable security invoker
return case
  when p_id::text like '72656373-7973-800_-8%' then
    ('x' || pg_catalog.substr(p_id::text, 18, 1) || pg_catalog.substr(p_id::text, 21, 3) || pg_catalog.substr(p_id::text, 25))::bit(64)::bigint::text
  when pg_catalog.substr(p_id::text, 15, 1) = '8' then coalesce(p_external_id, p_id::text)
  else p_id::text
end;
comment on function recsys.app_id(uuid, text) is 'The app''s own id of a post, as text: the number of which recsys.id_of(bigint) made the uuid; where recsys.id_of(text) may have made it, p_external_id, the external_id of its row in recsys.source_posts; any other uuid as it is.';

create function recsys.event_id_of(p_table integer, p_id bigint) returns bigint
language sql immutable security invoker
return case
  when p_id between -144115188075855872 and 144115188075855871 then p_id * 32 + p_table % 32
  else pg_catalog.hashint8extended(p_id, p_table)
end;
comment on function recsys.event_id_of(integer, bigint) is 'An interaction_id that no other table has: p_table numbers the tables of recsys.source_interactions, from 0 to 31. Of one table it keeps the order of ids up to 2^57; greater ones, such as snowflakes, become hashes.';

create function recsys.event_id_of(p_table integer, p_id text) returns bigint
language sql immutable security invoker
return pg_catalog.hashtextextended(p_id, p_table);
comment on function recsys.event_id_of(integer, text) is
  'An interaction_id for a row whose key is a text, a uuid (id::text) or several columns (concat_ws('' '', user_id, post_id, emoji)): 64 bits of a hash. Two of 10 million collide with a chance of 1 to 370,000.';

-- Ids that say when their row was created, for apps whose tables have no column of their own for it.

create function recsys_engine.parse_base_n(p_digits text, p_alphabet text) returns numeric
language sql immutable strict security invoker
-- a sum of no rows is null, and so is what has a letter that is no digit
return (
  select case when bool_and(pg_catalog.strpos(p_alphabet, digit) > 0)
    then pg_catalog.sum((pg_catalog.strpos(p_alphabet, digit) - 1) * pg_catalog.length(p_alphabet)::numeric ^ (pg_catalog.length(p_digits) - place)) end
  from pg_catalog.string_to_table(pg_catalog.lower(p_digits), null) with ordinality as digits (digit, place)
);
comment on function recsys_engine.parse_base_n(text, text) is 'The number that digits are; p_alphabet: the digits from 0 on, in small letters. Null: something in it is no digit.';

create function recsys.time_of_id(p_id text, p_form text) returns timestamptz
language sql immutable strict security invoker
return pg_catalog.to_timestamp((case p_form
  when 'aid' then 946684800000 + recsys_engine.parse_base_n(pg_catalog.left(p_id, 8), '0123456789abcdefghijklmnopqrstuvwxyz')
  when 'meid' then recsys_engine.parse_base_n(pg_catalog.left(p_id, 12), '0123456789abcdef') - 140737488355328
  when 'objectid' then recsys_engine.parse_base_n(pg_catalog.left(p_id, 8), '0123456789abcdef') * 1000
  when 'ulid' then recsys_engine.parse_base_n(pg_catalog.left(p_id, 10), '0123456789abcdefghjkmnpqrstvwxyz')
  when 'uuid v7' then recsys_engine.parse_base_n(pg_catalog.left(p_id, 8) || pg_catalog.substr(p_id, 10, 4), '0123456789abcdef')
  when 'mastodon' then pg_catalog.div(recsys_engine.parse_base_n(case when pg_catalog.length(p_id) < 20 then p_id end, '0123456789'), 65536)
  when 'twitter' then pg_catalog.div(recsys_engine.parse_base_n(case when pg_catalog.length(p_id) < 20 then p_id end, '0123456789'), 4194304) + 1288834974657
  when 'discord' then pg_catalog.div(recsys_engine.parse_base_n(case when pg_catalog.length(p_id) < 20 then p_id end, '0123456789'), 4194304) + 1420070400000
end / 1000)::double precision);
comment on function recsys.time_of_id(text, text) is 'When a row was created whose id says so. p_form: aid (and aidx), meid, objectid, ulid, uuid v7, or the snowflakes of mastodon, twitter and discord. For a generated column: recsys.time_of_id(id::text, ''aid''). Null: no such form, or an id that is not of it.';

-- Every role may execute these from the start. They generate columns with the rights of the row's writer, who may
-- have a role of the app; they read nothing.
