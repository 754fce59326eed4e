/** How the readers of the golden answers ask, as data. Each state builds on the ones before it: the rows of one variant stay for the next. */
import type { FeedFilter } from "../../supabase/functions/_shared/recommend/request/feed-filter.ts";
import type { GoldenReader } from "./community.ts";

export interface Variant {
  name: string;
  /** SQL by which the community becomes what it is from here on. `recsys_golden_readers` has the readers: (n, id), from 0. */
  prepare?: string;
  /** What reader n asks for. */
  ask?: (reader: GoldenReader, n: number) => { filter?: FeedFilter; candidates?: string[] };
  /** A visitor: the reader's passions are the visitor's interests. */
  isVisitor?: boolean;
  /** A replica finds the posts. */
  byReplica?: boolean;
  /** How long before the clock of the others, as an interval. */
  ago?: string;
  /** Whether recsys.explain is asked, too. */
  isExplained?: boolean;
}

const filterOf = ({ tags, authors }: GoldenReader, n: number): FeedFilter =>
  [{ max_age_days: 7 }, { tags }, { author_ids: authors }, { tags, max_age_days: 14 }][n % 4];

/** The tag of a post by its order under a reader, in SQL. */
const tagOf = (what: string) =>
  `(select tags[1] from recsys.source_posts where cardinality(tags) > 0 order by md5('${what}' || readers.id || post_id) limit 1)`;

export const variants: Variant[] = [
  { name: "plain", isExplained: true },
  { name: "filtered", ask: (reader, n) => ({ filter: filterOf(reader, n) }) },
  { name: "named", ask: ({ named }) => ({ candidates: named }) },
  { name: "visitor", isVisitor: true },
  { name: "replica", byReplica: true },
  { name: "past", ago: "3 days" },
  {
    name: "follows",
    prepare: `
      insert into public.follows (user_id, kind, target, created_at)
      select readers.id, 'person', users.user_id::text, recsys.clock() - interval '10 days' from recsys_golden_readers as readers
      cross join lateral (select user_id from recsys.source_users where user_id <> readers.id order by md5('follows' || readers.id || user_id) limit 3 + readers.n % 8) as users
      union all
      select readers.id, 'topic', ${tagOf("follows")}, recsys.clock() - interval '10 days' from recsys_golden_readers as readers where n % 3 > 0;
      insert into public.preferences (user_id, kind, value)
      select readers.id, case n % 10 when 2 then 'less' else 'more' end, ${tagOf("wants")} from recsys_golden_readers as readers where n % 10 > 1
      union all
      select readers.id, 'feed', case n % 10 when 0 then 'following' else 'impersonal' end from recsys_golden_readers as readers where n % 10 < 2
      union all
      select readers.id, 'hide', 'reposts' from recsys_golden_readers as readers where n % 4 = 0;`,
  },
  {
    name: "mutes and promotions",
    isExplained: true,
    prepare: `
      insert into public.mutes (user_id, kind, value, created_at)
      select readers.id, 'person', author_id::text, recsys.clock() - interval '1 day' from recsys_golden_readers as readers
      cross join lateral (
        select author_id from recsys.source_posts where author_id <> readers.id group by author_id
        order by count(*) desc, md5('mutes' || readers.id || author_id) limit 3
      ) as authors
      union all
      select readers.id, 'topic', ${tagOf("mutes")}, recsys.clock() - interval '1 day' from recsys_golden_readers as readers
      union all
      select readers.id, 'word', (select split_part(title, ' ', 2) from recsys.source_posts where split_part(title, ' ', 2) ~ '\\w{4}' order by md5('mutes' || readers.id || post_id) limit 1), recsys.clock() - interval '1 day'
      from recsys_golden_readers as readers where n % 2 = 0;
      insert into recsys.dismissals (user_id, post_id, created_at)
      select readers.id, posts.post_id, recsys.clock() - interval '2 hours' from recsys_golden_readers as readers
      cross join lateral (select post_id from recsys.source_posts order by created_at desc, post_id limit 5) as posts;
      insert into recsys.promotions (name, post_id, place, factor, filter, starts_at, ends_at)
      select 'Pinned', (select post_id from recsys.source_posts order by md5('pinned' || post_id) limit 1), 2, null, null, recsys.clock() - interval '1 hour', recsys.clock() + interval '1 day'
      union all
      select 'Helped', null, null, 3, jsonb_build_object('max_age_days', 3), recsys.clock() - interval '1 hour', recsys.clock() + interval '1 day';`,
  },
  {
    name: "tenant",
    isExplained: true,
    prepare: `
      create table public.tenants (user_id uuid primary key, tenant integer not null);
      insert into public.tenants select user_id, ('x' || substr(md5(user_id::text), 1, 7))::bit(28)::integer % 3 from recsys.source_users;
      grant select on public.tenants to authenticated, service_role;
      alter table public.posts add column tenant integer;
      -- a fifth of the posts is everybody's
      update public.posts set tenant = nullif(('x' || substr(md5(id::text), 1, 7))::bit(28)::integer % 15 / 4, 3);
      create index on public.posts (tenant);
      create or replace view recsys.source_memberships with (security_invoker = true) as select user_id, tenant::text as scope from public.tenants;
      create or replace view recsys.source_post_scopes with (security_invoker = true) as select id as post_id, tenant::text as scope from public.posts;
      drop policy "public posts and one's own are readable" on public.posts;
      create policy "those of one's tenant" on public.posts for select to authenticated
        using (tenant is null or tenant = (select tenants.tenant from public.tenants where tenants.user_id = (select auth.uid())));`,
  },
];
