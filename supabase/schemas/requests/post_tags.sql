-- The posts of each tag, the newest first: what a feed with a filter on tags begins with. No index on the app's table would do: row level
-- security lets none in that is asked by an operator on arrays, and the view cuts tags that are too long.

create table recsys_engine.post_tags (
  post_id uuid not null,
  tag text not null,
  created_at timestamptz not null,
  primary key (post_id, tag)
);
comment on table recsys_engine.post_tags is 'Each tag of each post, kept by the triggers of recsys.watch. Only to find posts by: whether they have the tag, and may be read, recsys_engine.eligible_posts decides.';
comment on column recsys_engine.post_tags.post_id is 'The post.';
comment on column recsys_engine.post_tags.tag is
  'One of its tags, in small letters; the first 100 count.';
comment on column recsys_engine.post_tags.created_at is 'When the post was written.';
create index post_tags_tag_created_at_idx on recsys_engine.post_tags (tag, created_at desc, post_id);

alter table recsys_engine.post_tags enable row level security;
create policy "tags are read with their post" on recsys_engine.post_tags for select to authenticated
  using (exists (select from recsys.source_posts where source_posts.post_id = post_tags.post_id offset 0));
grant select on recsys_engine.post_tags to authenticated;
grant select, insert, update, delete on recsys_engine.post_tags to service_role;

create function recsys_engine.index_tags(p_post_ids uuid[], p_is_new boolean default false) returns void
language sql volatile security invoker set search_path = ''
as $$
  select recsys_engine.list_posts(p_post_ids, p_is_new);
  with wanted as materialized (
    select distinct posts.post_id, left(lower(listed.tag), 100) as tag, posts.created_at
    from recsys.source_posts as posts
    cross join unnest(posts.tags) as listed (tag)
    where (p_post_ids is null or posts.post_id = any (p_post_ids)) and listed.tag is not null
      -- posts beyond an author's daily limit are not among the newest of their tags either
      and not exists (select from recsys_engine.listed_posts as waiting where waiting.post_id = posts.post_id and waiting.waits)
  ),
  gone as (
    delete from recsys_engine.post_tags
    where (p_post_ids is null or post_tags.post_id = any (p_post_ids))
      and not exists (select from wanted where wanted.post_id = post_tags.post_id and wanted.tag = post_tags.tag)
  )
  -- unchanged rows are not written again: each watch of a table of texts indexes all posts
  insert into recsys_engine.post_tags as known (post_id, tag, created_at)
  select wanted.post_id, wanted.tag, wanted.created_at from wanted
  where not exists (select from recsys_engine.post_tags as same where same.post_id = wanted.post_id and same.tag = wanted.tag and same.created_at = wanted.created_at)
  on conflict (post_id, tag) do update set created_at = excluded.created_at;
$$;
comment on function recsys_engine.index_tags(uuid[], boolean) is 'Lists some posts (null: all; recsys_engine.list_posts), rewrites their recsys_engine.post_tags, which those that wait have none of, and removes those of posts that are gone.';

create function recsys_engine.index_sound_tags(p_post_ids uuid[]) returns void
language plpgsql volatile security invoker set search_path = ''
as $$
declare
  id uuid;
begin
  begin
    perform recsys_engine.index_tags(p_post_ids, true);
  exception when data_exception or raise_exception then
    -- a view that fails on a row must not end the app's own statement: the tags of that post are left out
    foreach id in array coalesce(p_post_ids, '{}') loop
      begin
        perform recsys_engine.index_tags(array[id], true);
      exception when data_exception or raise_exception then
        delete from recsys_engine.post_tags where post_tags.post_id = id;
        delete from recsys_engine.listed_posts where listed_posts.post_id = id;
      end;
    end loop;
  end;
end
$$;
comment on function recsys_engine.index_sound_tags(uuid[]) is 'Indexes some posts that came or changed (null: all) as recsys_engine.index_tags does, without those of posts on which the app''s view fails.';

create function recsys_engine.index_changed_tags() returns trigger
-- definer: as recsys_engine.queue_feature_changes()
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
  -- its columns were quoted by recsys.watch, which plpgsql_check cannot see: @plpgsql_check_options: security_warnings = off
  ids uuid[];
begin
  if tg_op <> 'TRUNCATE' then
    execute format('select coalesce(array_agg(distinct %s), ''{}'') from (%s) as changed', tg_argv[0], recsys_engine.changed_rows(tg_op, tg_argv[1])) into ids;
  end if;
  perform recsys_engine.index_sound_tags(ids);
  return null;
end
$$;
comment on function recsys_engine.index_changed_tags() is 'Trigger of watched posts: recsys_engine.index_tags for the posts that a statement changed. Its arguments are made by recsys.watch: the column with the id, the columns whose change counts.';
revoke all on function recsys_engine.index_tags(uuid[], boolean), recsys_engine.index_sound_tags(uuid[]), recsys_engine.index_changed_tags() from public;
grant execute on function recsys_engine.index_tags(uuid[], boolean) to service_role;
