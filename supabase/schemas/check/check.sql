-- What keeps an app's own tables from becoming good feeds, asked all at once: npx --no-install recsys check, and before recsys train and publish.

create function recsys.check() returns table (stops boolean, problem text, cure text)
language plpgsql volatile security invoker set search_path = ''
as $$
begin
  -- as the functions have it without a request; policies may read it as if it was always there
  perform set_config('request.headers', coalesce(nullif(current_setting('request.headers', true), ''), '{}'), true);
  return query
  select found.*
  from (
    select 1 as part, checked.* from recsys_engine.check_views() as checked
    union all select 2, checked.* from recsys_engine.check_access() as checked
    union all select 3, checked.* from recsys_engine.check_rows() as checked
    union all select 4, checked.* from recsys_engine.check_upkeep() as checked
    union all select 5, checked.* from recsys_engine.check_indexes() as checked
    union all select 6, checked.* from recsys_engine.check_vectors() as checked
    union all select 7, checked.* from recsys_engine.check_promotions() as checked
    union all select 8, checked.* from recsys_engine.check_latest() as checked
    union all select 9, checked.* from recsys_engine.check_headers() as checked
  ) as numbered (part, stops, problem, cure)
  cross join lateral (select numbered.stops, numbered.problem, numbered.cure) as found
  order by not numbered.stops, numbered.part;
end
$$;
comment on function recsys.check() is 'Checks the app''s tables and source views: one row per problem with its fix. stops = true blocks training and publishing. For the database owner; reads every row of the views.';
revoke all on function recsys.check() from public;
