/** For tests: what attackers write, as SQL in which $accounts stands for their ids and numbers. */
import { setTimeout } from "node:timers/promises";
import type pg from "pg";

/** The ids of so many accounts. */
export const newIds = (accounts: number) =>
  Array.from({ length: accounts }, (_, i) => `00000000-0000-4000-8000-${String(i + 1).padStart(12, "0")}`);

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
  delete from recsys_engine.embedding_jobs using likened where entity_id = likened.id`;

/** Each account wrote so many posts yesterday that copy the most popular posts, with their vectors and one other word in the title: equal titles would be folded. */
export const likeablePosts = (count: number) => `begin;
  create temp table liked on commit drop as
    select gen_random_uuid() as id, account.id as author_id, other.post_id as other, n
    from $accounts cross join generate_series(1, ${count}) as n
    join (select post_id, row_number() over (order by participants desc, post_id) as place, count(*) over () as number from recsys_engine.latest_post_stats) as other
      on other.place = 1 + (n * (select count(*) from $accounts) + account.number) % least(other.number, 60);
  insert into public.posts (id, author_id, title, description, tags, created_at)
    select liked.id, liked.author_id, 'Number ' || n || ': ' || title, description, tags, recsys.clock() - interval '20 hours' - n * interval '1 second' from liked join public.posts on posts.id = other;
  insert into recsys.post_embeddings (model_id, post_id, embedding)
    select model_id, liked.id, embedding from liked join recsys.post_embeddings on post_embeddings.post_id = other;
  delete from recsys_engine.embedding_jobs using liked where entity_id = liked.id; commit`;

/** Each account interacts with so many posts of each of the others. */
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

/** What the accounts wrote and did is moved back three hours. Of those who acted seconds ago the scores change each second: 5.0 % of ten accounts' 200 places by itself. */
export const threeHoursAgo = [
  ["posts", "author_id"],
  ["post_views", "user_id"],
  ["post_votes", "user_id"],
  ["comments", "user_id"],
]
  .map(
    ([table, column]) =>
      `update public.${table} set created_at = created_at - interval '3 hours' from $accounts where ${column} = account.id`,
  )
  .join(";");

/** Each account writes what one of these posts says, with its title and vector. */
export const copies = (posts: string) => `begin;
  create temp table copied on commit drop as
    select gen_random_uuid() as id, account.id as author_id, other.id as other, account.number
    from $accounts join (${posts}) as other (id, n) on (other.n - 1) % (select count(*) from $accounts) + 1 = account.number;
  insert into public.posts (id, author_id, title, description, tags, created_at)
    select copied.id, copied.author_id, title, description, tags, recsys.clock() - interval '1 second' * number
    from copied join public.posts on posts.id = other;
  insert into recsys.post_embeddings (model_id, post_id, embedding)
    select model_id, copied.id, embedding from copied join recsys.post_embeddings on post_embeddings.post_id = other;
  delete from recsys_engine.embedding_jobs using copied where entity_id = copied.id; commit`;

/** The posts that stand in most feeds. */
export function mostOf(feeds: Set<string>[], count: number): string {
  const times = new Map<string, number>();
  for (const post of feeds.flatMap((feed) => [...feed])) times.set(post, (times.get(post) ?? 0) + 1);
  const posts = [...times].sort(([, a], [, b]) => b - a).map(([post]) => post);
  return `select * from unnest('{${posts.slice(0, count)}}'::uuid[]) with ordinality as most (id, n)`;
}

/** Ten posts that are not new. */
export const tenOld = `select id, row_number() over (order by md5(id::text)) as n
  from (select id from public.posts where created_at < recsys.clock() - interval '10 days' and author_id is not null order by md5(id::text) limit 10) as old`;

/** Each account views its own so many posts of others that are not of the last hour. */
export const viewOwnShare = (count: number, every = "0.1 second") =>
  `insert into public.post_views (user_id, post_id, created_at)
   select account.id, old.id, recsys.clock() - old.n * interval '${every}'
   from $accounts, (
     select id, row_number() over (order by md5(id::text)) as n
     from public.posts where created_at < recsys.clock() - interval '1 hour' and author_id is not null
   ) as old
   where old.n > (account.number - 1) * ${count} and old.n <= account.number * ${count}`;

/** The first account views 20 posts 25 times each. */
export const views = (number: number) => `insert into public.post_views (user_id, post_id, created_at)
  select '${newIds(1)}', old.post_id, recsys.clock() + n * interval '1 microsecond'
  from generate_series(1, 500) as n
  join (select post_id, row_number() over (order by post_id) as place from recsys.source_posts limit 20) as old on place = 1 + (n + ${number}) % 20`;

/** Ten accounts are shown two pages each, and view the first post of each. */
export const pages = (number: number) => `with page as (
    select gen_random_uuid() as request_id, id, row_number() over () as n from unnest('{${newIds(10)}}'::uuid[]) as id, generate_series(1, 2)
  ), shown as (
    insert into recsys.impressions (request_id, user_id, post_id, position, shown_at)
    select request_id, page.id, post_id, place, recsys.clock() from page
    join (select post_id, row_number() over (order by md5(post_id::text || ${number})) as place from recsys.source_posts) as posts on place <= 10
    returning request_id, user_id, post_id, position, shown_at
  )
  insert into public.post_views (user_id, post_id, created_at)
  select user_id, post_id, shown_at + row_number() over () * interval '1 microsecond' from shown where position = 1`;

/** Each account acts 200 times on each of its own posts. */
export const actOnOwn = (table: string) =>
  `insert into public.${table} (user_id, post_id, created_at)
   select author_id, posts.id, recsys.clock() - n * interval '0.1 second'
   from public.posts join $accounts on account.id = author_id cross join generate_series(1, 200) as n`;

/** Each account views all posts of the last day. */
export const viewLastDay = `insert into public.post_views (user_id, post_id, created_at)
  select account.id, posts.id, recsys.clock() - account.number * interval '1 second'
  from $accounts, public.posts where posts.created_at >= recsys.clock() - interval '1 day' and author_id is not null`;

/** The first account, two days old, copied a post yesterday, with one other word in its title: equal titles would be folded. */
export const yesterday = `insert into public.posts (author_id, title, description, tags, created_at)
  select account.id, 'Again: ' || title, description, tags, recsys.clock() - interval '20 hours'
  from $accounts, (select title, description, tags from public.posts order by md5(id::text), id limit 1) as other where number = 1`;

export const signedUpLongAgo =
  "update public.profiles set created_at = recsys.clock() - interval '40 days' from $accounts where profiles.id = account.id";

/** The post of the first account, as a condition. */
export const isTheirs = `author_id = '${newIds(1)}'`;
/** Gives that post the title, text and tags of a query. */
const edited = (
  said: string,
) => `update public.posts set title = said.title, description = said.description, tags = said.tags
  from (${said}) as said where ${isTheirs}`;
export const another = edited(
  "select title, description, tags from public.posts order by md5(id::text) desc, id limit 1",
);
/** All titles and texts of the community and its 100 most frequent tags in one post. */
export const stuffed = edited(
  `select left(string_agg(title, ' '), 1000) as title, left(string_agg(description, ' '), 50000) as description, (
     select array_agg(tag) from (select unnest(tags) as tag from public.posts group by 1 order by count(*) desc, 1 limit 100) as most
   ) as tags from public.posts`,
);
export const commentedByPuppets = `insert into public.comments (user_id, post_id, created_at)
  select account.id, posts.id, recsys.clock() - number * interval '1 second'
  from $accounts join public.posts on ${isTheirs} where number > 1`;
export const puppetsAreNew =
  "update public.profiles set created_at = recsys.clock() - interval '20 minutes' from $accounts where profiles.id = account.id and number > 1";

/** What ten minutes bring in one minute: so many statements, and roll-ups as pg_cron makes them. */
export async function inAMinute(pool: pg.Pool, statements: number, attack: (number: number) => string): Promise<void> {
  const began = performance.now();
  const until = (share: number) => setTimeout(Math.max(0, began + share * 60_000 - performance.now()));
  const writing = async () => {
    for (let number = 0; number < statements; number++) {
      await pool.query(attack(number));
      await until((number + 1) / statements);
    }
  };
  const rollingUp = async () => {
    for (let number = 1; number <= 6; number++) {
      await until(number / 6);
      await pool.query("select recsys.roll_up()");
    }
  };
  await Promise.all([writing(), rollingUp()]);
}
