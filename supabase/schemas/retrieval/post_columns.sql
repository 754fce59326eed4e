-- Posts as columns of JSON, for workers: what the app says of them, and their state and vector.

-- loads pgvector, as in retrieval/nearest.sql: each file may have a session of its own
do $$ begin perform '[1]'::extensions.vector; end $$;

create type recsys_engine.post_row as (post_id uuid, title text, tags text[], author_id uuid, created_at timestamptz);
comment on type recsys_engine.post_row is 'What the app says of a post.';

create function recsys_engine.post_columns(p_posts recsys_engine.post_row[]) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  now constant timestamptz := recsys.clock();
begin
  return (
    -- authors are looked up once, not for each of their posts
    with authors as materialized (
      select distinct posts.author_id from unnest(p_posts) as posts where posts.author_id is not null
    ),
    known as materialized (
      select authors.author_id, circle_members.user_id is not null as is_in_circle, cardinality(author_readers.user_ids) as readers,
        (select max(users.created_at) from recsys.source_users as users where users.user_id = authors.author_id) as signed_up_at
      from authors
      left join recsys_engine.circle_members on circle_members.user_id = authors.author_id
      left join recsys_engine.author_readers on author_readers.user_id = authors.author_id
    )
    select json_build_object(
      'post_id', json_agg(posts.post_id order by posts.place),
      'title', json_agg(posts.title order by posts.place),
      'tags', json_agg(posts.tags order by posts.place),
      'author_id', json_agg(posts.author_id order by posts.place),
      'created_at', json_agg(1000 * date_part('epoch', posts.created_at) order by posts.place),
      'of_circle', json_agg(coalesce(known.is_in_circle, false) order by posts.place),
      'standing', json_agg(
        recsys_engine.standing(
          coalesce(known.readers, nullif(3 * (posts.author_id is null)::integer, 0)),
          coalesce(recsys_engine.is_newcomers_post(known.signed_up_at, posts.created_at, now), false)
        )
        order by posts.place
      )
    )
    from unnest(p_posts) with ordinality as posts (post_id, title, tags, author_id, created_at, place)
    left join known on known.author_id = posts.author_id
  );
end
$$;
comment on function recsys_engine.post_columns(recsys_engine.post_row[]) is 'Posts in columns, with times in milliseconds since 1970, whether their author is in a closed circle (recsys_engine.circle_members), and what a page bounds them by (recsys_engine.standing). Rows took the driver 4 ms for 500 posts.';

-- without "set", so that it becomes part of the query that asks it
create function recsys_engine.text_key(p_title text, p_tags text[], p_author_id uuid) returns integer
language sql stable security invoker
begin atomic
  select hashtext(p_title) # hash_array(p_tags) # coalesce(uuid_hash(p_author_id), 0);
end;
comment on function recsys_engine.text_key(text, text[], uuid) is 'A number for what is said of a post, its title, tags and author: another number, where a caller reads something else of it.';

create function recsys_engine.post_snapshots(p_model_id bigint, p_post_ids uuid[], p_now timestamptz default recsys.clock()) returns json
language plpgsql stable security invoker set search_path = ''
set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  basis constant text := (select models.feature_spec #>> '{vectors,basis}' from recsys.models where models.model_id = p_model_id);
begin
  return (
    select json_build_object(
      'states', json_agg(known.state order by known.place),
      'has_embedding', json_agg(known.embedding is not null order by known.place),
      'embeddings', translate(encode(string_agg(extensions.vector_send(known.embedding), ''::bytea order by known.place), 'base64'), E'\n', ''),
      'has_components', json_agg(known.components is not null order by known.place) filter (where basis is not null),
      'components', translate(encode(string_agg(extensions.vector_send(known.components), ''::bytea order by known.place), 'base64'), E'\n', '')
    )
    from (
      select asked.place, to_json(state) as state, post_embeddings.embedding, reduced_vectors.components
      from unnest(p_post_ids) with ordinality as asked (post_id, place)
      left join recsys.post_embeddings on post_embeddings.model_id = p_model_id and post_embeddings.post_id = asked.post_id
      left join recsys_engine.reduced_vectors on reduced_vectors.basis_id = basis and reduced_vectors.post_id = asked.post_id
      left join lateral (
        (
          select latest_post_stats.* from recsys_engine.latest_post_stats
          where latest_post_stats.post_id = asked.post_id and latest_post_stats.last_active_at <= p_now
        )
        union all
        (
          select post_stats.* from recsys_engine.post_stats
          where post_stats.post_id = asked.post_id and post_stats.last_active_at <= p_now
          order by post_stats.last_active_at desc, post_stats.interaction_id desc
          limit 1
        )
        -- where both have one, it is the same
        limit 1
      ) as state on true
    ) as known
  );
end
$$;
comment on function recsys_engine.post_snapshots(bigint, uuid[], timestamptz) is
  'Columns of posts at an instant, in order, as one object. states: their rows of recsys_engine.post_stats (null: no interaction); has_embedding, embeddings: vectors of the model in pgvector''s binary form and base64; has_components, components: the same of own vectors, null where unused.';

revoke all on function
  recsys_engine.text_key(text, text[], uuid),
  recsys_engine.post_columns(recsys_engine.post_row[]),
  recsys_engine.post_snapshots(bigint, uuid[], timestamptz)
from public;
grant execute on function
  recsys_engine.text_key(text, text[], uuid)
to authenticated, service_role;
grant execute on function
  recsys_engine.post_columns(recsys_engine.post_row[]),
  recsys_engine.post_snapshots(bigint, uuid[], timestamptz)
to service_role;
