-- What readers decided about their feeds (recsys.source_preferences), as the engine asks for it.

create function recsys_engine.feed_preference(p_user_id uuid) returns text
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return coalesce(
    (
      -- of both the one that reads less
      select max(source_preferences.value) from recsys.source_preferences
      where source_preferences.user_id = p_user_id and source_preferences.kind = 'feed' and source_preferences.value in ('following', 'impersonal')
    ),
    'personal'
  );
end
$$;
comment on function recsys_engine.feed_preference(uuid) is 'What a user''s feed is made of: personal; following: the newest of whom and what they follow; impersonal: nothing of theirs is read but what they muted.';

create function recsys_engine.topic_preferences(p_user_id uuid, p_kind text) returns text[]
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  return array(
    select left(lower(wanted.value), 100) as topic
    from (values (p_kind, true), (case p_kind when 'more' then 'less' else 'more' end, false)) as kinds (kind, is_asked)
    cross join lateral (
      -- a user who wrote a million has a hundred of them read
      select source_preferences.value from recsys.source_preferences
      where source_preferences.user_id = p_user_id and source_preferences.kind = kinds.kind and source_preferences.value is not null
      order by source_preferences.value
      limit 100
    ) as wanted
    group by left(lower(wanted.value), 100)
    -- both at once count as neither: rows bear no time, so neither is the later one
    having bool_and(kinds.is_asked)
    order by topic
  );
end
$$;
comment on function recsys_engine.topic_preferences(uuid, text) is 'A user''s topics of one kind of preference (p_kind: more or less) that are not of the other kind too, in small letters, 100 at most.';

create view recsys_engine.personalization_opt_outs with (security_invoker = true) as
select distinct source_preferences.user_id from recsys.source_preferences
where source_preferences.kind = 'feed' and source_preferences.value = 'impersonal'
  -- with a null in the list, "not in" is never true
  and source_preferences.user_id is not null;
comment on view recsys_engine.personalization_opt_outs is 'Users without personalisation: the engine learns nothing from them, keeps no vector of theirs and logs no impression of theirs.';
comment on column recsys_engine.personalization_opt_outs.user_id is 'Who.';

grant select on recsys_engine.personalization_opt_outs to service_role;
revoke all on function recsys_engine.feed_preference(uuid), recsys_engine.topic_preferences(uuid, text) from public;
grant execute on function recsys_engine.feed_preference(uuid), recsys_engine.topic_preferences(uuid, text) to authenticated, service_role;
