/** For tests: what attackers write, as SQL in which $accounts stands for their ids and numbers. */

/** What the first account says of itself: that it viewed a post on each of the last days. */
export const viewsOn = (days: number) => `begin; create temp table mine on commit drop as
    select account.id as user_id, posts.id as post_id, recsys.clock() - posts.n * interval '1 day' as created_at
    from $accounts, (select id, row_number() over (order by created_at, id) as n from public.posts where visibility = 'public' order by created_at, id limit ${days}) as posts where number = 1;
  grant select on mine to authenticated;
  select set_config('request.jwt.claims', json_build_object('sub', user_id, 'role', 'authenticated')::text, true) from mine limit 1;
  set local role authenticated;
  insert into public.post_views (user_id, post_id, created_at) select * from mine; commit`;

/** Each account writes so many posts, with the words and the vectors of posts of others. */
export const ownPosts = (count: number) => `
  create temp table likened on commit drop as
    select gen_random_uuid() as id, account.id as author_id, other.post_id as other, n
    from $accounts cross join generate_series(1, ${count}) as n
    cross join lateral (select post_id from recsys.source_posts order by md5(post_id::text || n || account.number) limit 1) as other;
  insert into public.posts (id, author_id, title, tags, created_at)
    select likened.id, likened.author_id, title, tags, recsys.clock() - n * interval '1 second' from likened join public.posts on posts.id = other;
  insert into recsys.post_embeddings (model_id, post_id, embedding)
    select model_id, likened.id, embedding from likened join recsys.post_embeddings on post_embeddings.post_id = other;
  delete from recsys.embedding_jobs using likened where entity_id = likened.id`;

/** Each account comes to so many posts of each of the others. */
export const actOnEachOther = (posts: number) =>
  ["post_views", "post_votes", "comments"]
    .map(
      (table) => `insert into public.${table} (user_id, post_id, created_at)
       select account.id, written.id, recsys.clock() - account.number * interval '0.01 second'
       from $accounts
       join (
         select id, author_id, row_number() over (partition by author_id order by created_at, id) as n
         from public.posts where author_id in (select account.id from $accounts)
       ) as written on written.author_id <> account.id and written.n <= ${posts}`,
    )
    .join(";");
