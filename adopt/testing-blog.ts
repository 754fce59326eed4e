/** For tests: the blog of docs/adopting.md, an app with tables of its own, before the recommender is there. */
import { readFile } from "node:fs/promises";
import type pg from "pg";
import { connect, type Database } from "../db/connect.ts";
import { templateDigest } from "../db/template-digest.ts";
import type { Scope } from "../db/testing.ts";
import { createDatabase, openTestCopy, type Template, testServer, withClient } from "../db/testing-postgres.ts";
import { engineMigrations } from "./init/init.ts";

const text = await readFile(new URL("../docs/adopting.md", import.meta.url), "utf8");
/** A migration of docs/adopting.md, by the end of its name. */
export const migrationOf = (name: string) =>
  new RegExp(`\`\`\`sql\n(-- supabase/migrations/\\S*${name}.sql\n.*?)\`\`\``, "s").exec(text)?.[1] ?? "";

/** A member of the blog. */
export const member = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;

/** A database with what a Supabase project has by itself and nothing else. */
export async function emptyDatabase(scope: Scope, name = "blog"): Promise<Database> {
  const server = new URL((await testServer()) as string);
  const database = `recsys_${name}_${process.pid}`;
  await withClient(server.href, (client) => createDatabase(client, database));
  const url = new URL(server.href);
  url.pathname = database;
  const opened = await connect(url.href, { embedded: false });
  scope.after(async () => {
    await opened.close();
    await withClient(server.href, (client) => client.query(`drop database if exists ${database} with (force)`));
  });
  await putStubs(opened.pool);
  return opened;
}

async function putStubs(pool: pg.Pool): Promise<void> {
  await pool.query(await readFile(new URL("../db/stubs.sql", import.meta.url), "utf8"));
}

const adopted: Template = {
  name: "adopted_blog",
  digest: async () => {
    // the times of its rows are counted from now
    const today = new Date().toISOString().slice(0, 10);
    const source = await readFile(new URL(import.meta.url), "utf8");
    return await templateDigest([...(await engineMigrations()), { version: today, name: "blog", sql: text + source }]);
  },
  fill: async ({ pool }) => {
    await putStubs(pool);
    await pool.query(migrationOf("_blog"));
    await fillBlog(pool);
    for (const { sql } of await engineMigrations()) await pool.query(sql);
    await pool.query(migrationOf("_recsys_sources"));
  },
};

/** The blog with the recommender installed, as the page leaves it before anything was checked or trained. */
export async function adoptedBlog(scope: Scope, name = "blog"): Promise<Database> {
  const database = await openTestCopy((await testServer()) as string, name, adopted);
  scope.after(() => database.close());
  return database;
}

/**
 * 200 members, half of whom say nothing of themselves; 500 posts in 10 groups and outside of them, some deleted and some drafts; and what
 * was done with them, in tables whose ids overlap. Members interact with posts of their own topic.
 */
export async function fillBlog(pool: pg.Pool): Promise<void> {
  await pool.query(`
    insert into auth.users (id) select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid from generate_series(1, 200) as n;
    insert into blog.members (id, bio, interests, created_at)
    select id, case when n % 2 = 0 then 'I write about ' || (array['bread', 'rust', 'gardens', 'chess'])[1 + n % 4] end,
      case when n % 3 = 0 then array[(array['bread', 'rust', 'gardens', 'chess'])[1 + n % 4], null] end, now() - interval '200 days'
    from (select id, row_number() over (order by id) as n from auth.users) as people;
    insert into blog.memberships (group_id, member_id)
    select (n + k) % 10, ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid from generate_series(1, 200) as n cross join generate_series(1, 4) as k;
    insert into blog.memberships (group_id, member_id) select 100 + k, members.id from blog.members cross join generate_series(1, 6) as k;
    insert into blog.posts (author_id, group_id, title, body, published_at, deleted_at)
    select ('00000000-0000-4000-8000-' || lpad((1 + n * 7 % 200)::text, 12, '0'))::uuid, case when n % 5 = 0 then n % 10 end,
      initcap((array['bread', 'rust', 'gardens', 'chess'])[1 + n % 4]) || ' and what came of it, part ' || n,
      case when n % 3 > 0 then repeat((array['flour water salt ', 'borrow checker traits ', 'tomatoes compost ', 'opening endgame '])[1 + n % 4], 12) end,
      case when n % 50 > 0 then now() - (500 - n) * interval '8 hours' end,
      case when n % 25 = 1 then now() - interval '1 day' end
    from generate_series(1, 500) as n;
    insert into blog.tags (post_id, slug) select id, (array['bread', 'rust', 'gardens', 'chess'])[1 + id % 4] from blog.posts where id % 7 > 0;
    insert into blog.reads (member_id, post_id, created_at)
    select member_id, post_id, at from (
      select ('00000000-0000-4000-8000-' || lpad((1 + n % 200)::text, 12, '0'))::uuid as member_id,
        1 + (n * 37 + n / 200 * 4) % 125 * 4 + case when n % 10 = 0 then n % 4 else (n % 200 + 1) % 4 end as post_id,
        now() - interval '160 days' + n * interval '69 minutes' as at
      from generate_series(1, 3000) as n
    ) as visits
    join blog.posts on posts.id = visits.post_id and posts.published_at < visits.at;
    insert into blog.reactions (member_id, post_id, kind, created_at)
    select member_id, post_id, (array['like', 'clap', 'bookmark'])[1 + id % 3], created_at + interval '2 minutes' from blog.reads where id % 3 > 0;
    insert into blog.comments (member_id, post_id, body, created_at, deleted_at)
    select member_id, post_id, 'So it is, I should say, and have said before', created_at + interval '5 minutes', case when id % 70 = 0 then now() end from blog.reads where id % 3 <> 1 and id % 4 > 0;
    analyze`);
}
