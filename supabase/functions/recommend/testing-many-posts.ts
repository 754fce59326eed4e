/** For tests: more posts than the sources bring of any. */
import type pg from "pg";

/** So many posts of 40 people, every ninth of them private, viewed for two months; person 0 interacted with 30. The ids of posts and of people, sorted. */
export async function fillManyPosts(pool: pg.Pool, count = 1200): Promise<{ posts: string[]; people: string[] }> {
  await pool.query(`
    select setseed(0.5);
    insert into public.profiles (id, passions, created_at) select md5('person ' || n)::uuid, '{chess}', now() - interval '90 days' from generate_series(0, 39) as n;
    insert into public.posts (id, author_id, title, tags, visibility, created_at)
    select md5('post ' || n)::uuid, md5('person ' || n % 40)::uuid, 'post ' || n, array['topic ' || n % 7],
      case when n % 9 = 0 then 'private' else 'public' end, now() - random() * interval '60 days'
    from generate_series(0, ${count - 1}) as n;
    insert into public.post_views (user_id, post_id, created_at)
    select md5('person ' || floor(1 + random() * 39))::uuid, md5('post ' || floor(random() * ${count}))::uuid, now() - random() * interval '50 days'
    from generate_series(1, ${2.5 * count});
    insert into public.comments (user_id, post_id, created_at)
    select md5('person 0')::uuid, md5('post ' || floor(random() * ${count}))::uuid, now() - random() * interval '50 days' from generate_series(1, 30);
    select recsys.roll_up(null)`);
  const idsOf = async (table: string) =>
    (await pool.query<{ id: string }>(`select id from public.${table} order by id`)).rows.map(({ id }) => id);
  return { posts: await idsOf("posts"), people: await idsOf("profiles") };
}
