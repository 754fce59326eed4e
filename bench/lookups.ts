/**
 * What the shape of a look-up costs: `npm run bench -- lookups`. An app that knows 5,000 people by numbers, with 25,000 posts and 200,000 interactions: its
 * draft, which joins the table that has their uuids, beside views that look each up by a subquery. By turns, in the same database. Needs a PostgreSQL.
 */
import type pg from "pg";
import { readCatalog } from "../adopt/catalog/read-catalog.ts";
import { draftViews } from "../adopt/draft/draft-views.ts";
import { engineMigrations } from "../adopt/init/engine-files.ts";
import { emptyDatabase } from "../adopt/testing-blog.ts";
import { openScope } from "./shared/place.ts";
import { load, timed } from "./shared/times.ts";

const app = `
  create table person (id serial primary key, auth_id uuid unique references auth.users (id), name text not null, bio text, created_at timestamptz not null default '2020-01-01');
  create table story (id serial primary key, creator_id int not null references person, title text not null, description text, published timestamptz not null);
  create table story_read (id serial primary key, person_id int not null references person, story_id int not null references story, created_at timestamptz not null);
  create table story_like (id serial primary key, person_id int not null references person, story_id int not null references story, created_at timestamptz not null);
  create table comment (id serial primary key, creator_id int not null references person, story_id int not null references story, content text not null, created_at timestamptz not null);
  insert into auth.users (id) select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid from generate_series(1, 4500) as n;
  insert into person (auth_id, name, bio) select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'p' || n, 'I write' from generate_series(1, 4500) as n;
  insert into person (name) select 'guest ' || n from generate_series(1, 500) as n;
  insert into story (creator_id, title, description, published)
    select 1 + (n * 7919) % 5000, 'Story ' || n, repeat('word ' || n % 97 || ' ', 40), now() - (25000 - n) * interval '20 minutes' from generate_series(1, 25000) as n;
  insert into story_read (person_id, story_id, created_at) select 1 + (n * 31) % 5000, 1 + (n * 7907::bigint) % 25000, now() - (110000 - n) * interval '4 minutes' from generate_series(1, 110000) as n;
  insert into story_like (person_id, story_id, created_at) select 1 + (n * 37) % 5000, 1 + (n * 7901::bigint) % 25000, now() - (60000 - n) * interval '8 minutes' from generate_series(1, 60000) as n;
  insert into comment (creator_id, story_id, content, created_at) select 1 + (n * 41) % 5000, 1 + (n * 7883::bigint) % 25000, 'well ' || n, now() - (30000 - n) * interval '15 minutes' from generate_series(1, 30000) as n;
  alter table story enable row level security;
  create policy "all of it" on story for select to authenticated using (published <= now());
  grant select on all tables in schema public to authenticated, service_role;
  create index on story (creator_id, published desc); create index on story (published desc);
  create index on story_read (person_id, created_at); create index on story_read (recsys.id_of(story_id), created_at);
  create index on story_like (person_id, created_at); create index on story_like (recsys.id_of(story_id), created_at);
  create index on comment (creator_id, created_at); create index on comment (recsys.id_of(story_id), created_at);`;

const someone = "00000000-0000-4000-8000-000000000077";
const asked = {
  "what one person did": `select * from recsys.source_interactions where user_id = '${someone}'`,
  "the newest posts of one author": `select * from recsys.source_posts where author_id = '${someone}' order by created_at desc limit 50`,
  "candidates of a feed": `select * from recsys.retrieve('${someone}', null, null, now())`,
};

await using scope = openScope();
const { pool } = await emptyDatabase(scope, "lookups");
for (const { sql } of await engineMigrations()) await pool.query(sql);
await pool.query(app);
const { sql } = draftViews(await readCatalog(pool));
await pool.query(sql);
await pool.query("vacuum analyze");
const client = await pool.connect();
const [, seconds] = await timed(() => client.query("set statement_timeout = 0; select recsys.roll_up(null)"));
console.log(`roll-up of all, joined: ${seconds.toFixed(1)} s`);
await client.query("vacuum analyze");
const shapes = { joined: viewsOf(sql), "by a subquery": viewsOf(sql).map(lookedUp) };
for (let round = 0; round < 3; round++)
  for (const [shape, views] of Object.entries(shapes))
    for (const [name, query] of Object.entries(asked))
      console.log(`${name}, ${shape}: ${await measure(client, views, query)}`);
for (const [shape, views] of Object.entries(shapes))
  console.log(
    `roll-up of 2 people and 10 posts, ${shape}: ${await measure(client, views, "select recsys.roll_up(null)", "postgres")}`,
  );
client.release();
console.log(load());

function viewsOf(sql: string): string[] {
  return sql.match(/^create or replace view recsys\.source_(?:posts|interactions) [^;]*;/gm) ?? [];
}

/** The same view with a subquery for each row in place of the joins. */
function lookedUp(view: string): string {
  return view.replaceAll(
    /who\.(recsys_user_id)( as [^;]*?)\n *(?:left )?join public\.person as who on who\.id = (\S+)/g,
    (_, uuid, between, by) => `(select who.${uuid} from public.person as who where who.id = ${by})${between}`,
  );
}

/** Pages read and time of a query over the views; all is rolled back. */
async function measure(client: pg.PoolClient, views: string[], query: string, role = "authenticated"): Promise<string> {
  await client.query("begin");
  for (const view of views) await client.query(view);
  await client.query(`insert into recsys.feature_changes (user_id) select recsys_user_id from public.person limit 2;
    insert into recsys.feature_changes (post_id) select recsys_id from public.story limit 10; set local role ${role}`);
  const { rows } = await client.query(`explain (analyze, buffers, timing off, format json) ${query}`);
  await client.query("rollback");
  const [{ Plan: plan, "Execution Time": milliseconds }] = rows[0]["QUERY PLAN"];
  const pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
  return `${pages.toLocaleString("en")} pages, ${milliseconds.toFixed(1)} ms`;
}
