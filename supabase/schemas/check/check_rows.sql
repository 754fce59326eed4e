-- The third part of recsys.check(): the rows that the source views show. It reads them all: 6 s for 500,000 events at a load of 18.

create function recsys_engine.check_rows() returns table (stops boolean, problem text, cure text)
language plpgsql stable security invoker set search_path = ''
set jit = off
as $$
declare
  posts bigint;
  events record;
  example text;
begin
  -- each of them by itself, so that what cannot be read is told along with the rest
  begin
    return query
    select true, format('recsys.source_users: %s is there %s times', doubled.user_id, doubled.times), 'the view has to show one row a person'
    from (select source_users.user_id, count(*) as times from recsys.source_users group by source_users.user_id having count(*) > 1 limit 1) as doubled;
    return query
    select true, format('recsys.source_posts: %s (%s in the app) is there %s times', doubled.post_id, recsys.app_id(doubled.post_id), doubled.times),
      'the view has to show one row a post: what is joined, such as tags, belongs into a subquery, array(select …)'
    from (select source_posts.post_id, count(*) as times from recsys.source_posts group by source_posts.post_id having count(*) > 1 limit 1) as doubled;
    return query
    select true, format('recsys.source_interactions: interaction_id %s is there %s times, as %s', doubled.interaction_id, doubled.times, doubled.kinds),
      'number the tables: recsys.event_id_of(1, reactions.id), recsys.event_id_of(2, comments.id)'
    from (
      select source_interactions.interaction_id, count(*) as times, string_agg(distinct source_interactions.kind, ' and ') as kinds
      from recsys.source_interactions group by source_interactions.interaction_id having count(*) > 1 limit 1
    ) as doubled;
    return query
    select true, format('recsys.source_logins: login_id %s is there %s times', doubled.login_id, doubled.times), 'number the tables: recsys.event_id_of(1, logins.id)'
    from (select source_logins.login_id, count(*) as times from recsys.source_logins group by source_logins.login_id having count(*) > 1 limit 1) as doubled;

    return query
    select true, format('%s: %s rows have no %s, or a time before 1990 or after 2199', found.view, found.count, found.columns),
      'leave them out of the view: where … is not null, and bring times into 1990 to 2199'
    from (
      select 'recsys.source_users' as view, 'user_id or created_at' as columns, count(*) from recsys.source_users
      where user_id is null or not (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z') or created_at is null
      union all
      select 'recsys.source_posts', 'post_id or created_at', count(*) from recsys.source_posts
      where post_id is null or not (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z') or created_at is null
      union all
      select 'recsys.source_interactions', 'interaction_id, user_id, post_id, kind or created_at', count(*) from recsys.source_interactions
      where num_nulls(interaction_id, user_id, post_id, kind, created_at) > 0 or not (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z')
      union all
      select 'recsys.source_logins', 'login_id, user_id or created_at', count(*) from recsys.source_logins
      where num_nulls(login_id, user_id, created_at) > 0 or not (created_at >= '1990-01-01 00:00Z' and created_at < '2200-01-01 00:00Z')
    ) as found
    where found.count > 0;

    return query
    select true, format('recsys.source_interactions: %s are of kind %s, which is not view, vote or comment', found.count, recsys_engine.literal_sql(found.kind)),
      format('say what it counts as, insert into recsys.kinds (kind, head) values (%s, ''vote''), and let the view join recsys.kinds on kinds.kind = …, with kinds.head as kind', recsys_engine.literal_sql(found.kind))
    from (
      select source_interactions.kind, count(*) from recsys.source_interactions
      where source_interactions.kind not in ('view', 'vote', 'comment') group by source_interactions.kind order by count(*) desc, source_interactions.kind limit 10
    ) as found;

    return query
    select false, format('recsys.source_follows: %s rows such as %s %s count for nothing', found.count, recsys_engine.literal_sql(found.kind), recsys_engine.literal_sql(left(found.target, 100))),
      'kind is person, topic or group; the target of a person is their user_id as text, and nobody follows themselves'::text
    from (
      select count(*), min(source_follows.kind) as kind, min(source_follows.target) as target from recsys.source_follows
      where num_nulls(source_follows.user_id, source_follows.kind, source_follows.target) > 0 or source_follows.kind not in ('person', 'topic', 'group')
        or (source_follows.kind = 'person' and (not pg_input_is_valid(source_follows.target, 'uuid') or source_follows.target = source_follows.user_id::text))
    ) as found
    where found.count > 0;

    return query
    select false, format('recsys.source_follows: of %s rows, %s are by and %s of people that recsys.source_users does not show', found.total, found.by_nobody, found.of_nobody),
      'they count for nothing; that is as it should be where these are deleted or hidden, else both views have to show the same ids: recsys.id_of in both or neither'::text
    from (
      select count(*) as total, count(*) filter (where who.user_id is null) as by_nobody, count(*) filter (where follows.kind = 'person' and whom.target is null) as of_nobody,
        count(*) filter (where who.user_id is null or follows.kind = 'person' and whom.target is null) as for_nothing
      from recsys.source_follows as follows
      left join (select source_users.user_id from recsys.source_users) as who on who.user_id = follows.user_id
      left join (select source_users.user_id::text as target from recsys.source_users) as whom on follows.kind = 'person' and whom.target = lower(follows.target)
    ) as found
    where found.for_nothing > 0.5 * found.total;
    return query
    select false, format('recsys.source_follows: none of %s topics and groups is a tag of a post (such as %s)', found.total, recsys_engine.literal_sql(found.target)),
      'the target of a topic or a group is a tag as recsys.source_posts shows it, in capital or small letters'::text
    from (
      select count(*) as total, min(followed.target) as target, count(tagged.tag) as tags
      from (select distinct lower(left(source_follows.target, 100)) as target from recsys.source_follows where source_follows.kind in ('topic', 'group')) as followed
      left join (
        select distinct lower(left(listed.tag, 100)) as tag from recsys.source_posts cross join unnest(source_posts.tags) as listed (tag)
      ) as tagged on tagged.tag = followed.target
    ) as found
    where found.total > 0 and found.tags = 0;

    return query
    select false, format('recsys.source_preferences: %s rows such as %s %s count for nothing', found.count, recsys_engine.literal_sql(found.kind), recsys_engine.literal_sql(left(found.value, 100))),
      'kind is feed, more or less, or hide; the value of feed is following or impersonal, that of hide reposts'::text
    from (
      select count(*), min(source_preferences.kind) as kind, min(source_preferences.value) as value from recsys.source_preferences
      where num_nulls(source_preferences.user_id, source_preferences.kind, source_preferences.value) > 0 or source_preferences.kind not in ('feed', 'more', 'less', 'hide')
        or (source_preferences.kind = 'feed' and source_preferences.value not in ('personal', 'following', 'impersonal'))
        or (source_preferences.kind = 'hide' and source_preferences.value <> 'reposts')
    ) as found
    where found.count > 0;

    return query
    select false, format('recsys.source_withheld: %s rows name a post and its author, so all that these wrote is withheld', found.count),
      'show the author''s id only where all of theirs is meant, else null'::text
    from (select count(*) from recsys.source_withheld where source_withheld.post_id is not null and source_withheld.author_id is not null) as found
    where found.count > 0;

    return query
    select false, format('recsys.source_interactions: %s have a weight such as %s, and count as if it were 1', found.count, found.example),
      'a weight is above 0 and at most 1000, as recsys.kinds.weight is; null: 1'::text
    from (
      select count(*), min(source_interactions.weight) as example from recsys.source_interactions
      where not (source_interactions.weight > 0 and source_interactions.weight <= 1000)
    ) as found
    where found.count > 0;

    return query
    select false,
      format('%s: %s rows say one of %s words that recsys.kinds does not list%s and count as %s', found.of_table, found.rows, found.words, ', such as ' || found.examples || ',',
        case when found.head is null then 'nothing' else format('%s, by its row %L', found.head, found.otherwise) end),
      -- as they count now, but listed: what comes later is told of again
      format('insert into recsys.kinds (kind, head, weight) select distinct source_kinds.kind, kinds.head, coalesce(kinds.weight, 1) from recsys.source_kinds left join recsys.kinds on kinds.kind = source_kinds.otherwise where source_kinds.of_table = %L and source_kinds.kind <> '''' on conflict (kind) do nothing', found.of_table)
    from (
      select unlisted.of_table, unlisted.otherwise, otherwise.head, sum(unlisted.times) as rows, count(*) as words,
        string_agg(format('%s (%s)', unlisted.kind, unlisted.times), ', ' order by unlisted.times desc, unlisted.kind) filter (where unlisted.is_sayable and unlisted.place <= 5) as examples
      from (
        select source_kinds.of_table, source_kinds.kind, source_kinds.otherwise, count(*) as times, spoken.is_sayable,
          row_number() over (partition by source_kinds.of_table, source_kinds.otherwise, spoken.is_sayable order by count(*) desc, source_kinds.kind) as place
        from recsys.source_kinds
        -- one word or two: text that users write may be a secret, a line that looks like a finding, or an escape
        -- sequence of terminals
        cross join lateral (select length(source_kinds.kind) <= 24 and source_kinds.kind ~ '^[^[:space:][:cntrl:]@\u200e\u200f\u2028-\u202e\u2066-\u2069]+( [^[:space:][:cntrl:]@\u200e\u200f\u2028-\u202e\u2066-\u2069]+)?$') as spoken (is_sayable)
        where source_kinds.kind <> '' and source_kinds.kind not in (select kinds.kind from recsys.kinds)
        group by source_kinds.of_table, source_kinds.kind, source_kinds.otherwise, spoken.is_sayable
      ) as unlisted
      left join recsys.kinds as otherwise on otherwise.kind = unlisted.otherwise
      group by unlisted.of_table, unlisted.otherwise, otherwise.head
    ) as found
    -- of thousands of users' words, not each is listed
    where found.head is null or found.words <= 200;

    select source_memberships.scope into example from recsys.source_memberships where source_memberships.scope is not null limit 1;
    if example is not null and not exists (select from recsys.source_memberships join recsys.source_post_scopes on source_post_scopes.scope = source_memberships.scope) then
      return query select false, format('recsys.source_memberships: people belong to scopes such as %s, and no post belongs to any of them', quote_literal(example)),
        'show in recsys.source_post_scopes where posts belong, by the same names: until then feeds cost as if nothing were said'::text;
    end if;

    select count(*) into posts from recsys.source_posts;
    select
      count(*) as total,
      count(*) filter (where known.post_id is null) as of_no_post,
      count(*) filter (where someone.user_id is null) as of_nobody,
      count(*) filter (where interactions.created_at < known.created_at) as before_post
    into events
    from recsys.source_interactions as interactions
    left join (select source_posts.post_id, source_posts.created_at from recsys.source_posts) as known on known.post_id = interactions.post_id
    left join (select source_users.user_id from recsys.source_users) as someone on someone.user_id = interactions.user_id;
    if posts = 0 then
      return query select false, 'recsys.source_posts is empty'::text, 'redefine the ten source views over the tables of your app (docs/adopting.md)'::text;
    elsif events.total = 0 then
      return query select false, 'recsys.source_interactions is empty: nobody has done anything'::text, 'redefine it over the tables that say who viewed, liked or commented on what (docs/adopting.md)'::text;
    elsif not exists (select from recsys.source_users) then
      return query select false, 'recsys.source_users is empty'::text, 'redefine it over the table of people (docs/adopting.md)'::text;
    else
      if events.of_no_post = events.total or events.of_nobody = events.total then
        select format('%s and %s', interactions.post_id, interactions.user_id) into example from recsys.source_interactions as interactions limit 1;
        return query select true, format('recsys.source_interactions: none of %s is of a post and a person that source_posts and source_users show (such as %s)', events.total, example),
          'the ids of the views have to be the same: recsys.id_of in both or neither; user_id is that of auth.users'::text;
      elsif events.of_no_post + events.of_nobody > 0.5 * events.total then
        return query select false, format('recsys.source_interactions: of %s, %s are of posts and %s of people that the other views do not show', events.total, events.of_no_post, events.of_nobody),
          'they count for nothing; that is as it should be where these are deleted or hidden'::text;
      end if;
      if events.before_post > 0.01 * events.total then
        return query select false, format('recsys.source_interactions: %s of %s are older than their posts', events.before_post, events.total),
          'nothing is learned from them: show as created_at of a post when it was first to be seen, not when the row was written or changed'::text;
      end if;
    end if;
  exception
    when data_exception or insufficient_privilege or undefined_function or undefined_table then
      return query select true, format('the source views cannot be read to the end: %s', sqlerrm), 'mend the view'::text;
  end;
end
$$;
comment on function recsys_engine.check_rows() is
  'Finds faults in the rows of the source views: duplicate ids, nulls, unknown kinds and weights, ids without a match, follows of no user or tag, posts younger than their interactions. Reads every row. Part of recsys.check().';
revoke all on function recsys_engine.check_rows() from public;
