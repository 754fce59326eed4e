/** A copy of an app: its newest rows, only the columns that the draft reads, and values of types that the copy does not have. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { withoutPostgres } from "../../db/testing.ts";
import { draftDatabase } from "../draft/draft-views.ts";
import { draftedApps, shown } from "../testing.ts";
import { emptyDatabase } from "../testing-blog.ts";
import { copyApp } from "./copy-app.ts";

const skip = await withoutPostgres();
const { newDatabase } = await draftedApps({ after });

test("the newest rows are copied, with only the columns that the views read, of any type", { skip }, async () => {
  const app = await emptyDatabase({ after }, "copied");
  await app.pool.query(`
    create type mood as enum ('calm', 'loud');
    create domain headline as text check (value <> '');
    create table profiles (id uuid primary key references auth.users (id), bio text, password_hash text not null, created_at timestamptz not null default '2024-01-01');
    create table articles (id serial primary key, author_id uuid not null references profiles, title headline not null, body text not null, feeling mood, tags text[], deleted_at timestamptz, created_at timestamp not null);
    create table likes (user_id uuid not null references profiles, article_id int not null references articles, created_at timestamptz not null, primary key (user_id, article_id));
    insert into auth.users (id) select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid from generate_series(1, 30) as n;
    insert into profiles (id, bio, password_hash) select id, 'Mostly tea', 'secret' from auth.users;
    insert into articles (author_id, title, body, feeling, tags, created_at)
      select (select id from profiles order by id limit 1), 'No. ' || n, 'A "text", with \\ and, {braces}', 'loud', array['one', 'a "b", {c}'], timestamp '2024-02-01' + n * interval '1 day' from generate_series(1, 40) as n;
    insert into likes select profiles.id, articles.id, articles.created_at + interval '1 hour' from profiles cross join articles where right(profiles.id::text, 1) <> '1';
    analyze`);
  const copy = await newDatabase("copy");
  const { sql, roles } = await draftDatabase(app.pool);
  const posts = roles.contents.map(({ table }) => table);
  assert.equal(posts.length, 1);
  const context = { onProgress: () => {}, signal: new AbortController().signal };
  const limits = { posts: 10, others: 2000 };
  const copied = await copyApp(app.pool, copy.pool, { sql, catalog: roles.catalog, posts }, limits, context);
  assert.deepEqual(
    copied.find(({ name }) => name === "public.articles"),
    { name: "public.articles", rows: 10, leftOut: 30 },
  );
  assert.deepEqual(
    await shown(copy, "posts", "it.title"),
    Array.from({ length: 10 }, (_, i) => `No. ${31 + i}`),
  );
  const { rows } = await copy.pool.query(
    "select description, tags, created_at from recsys.source_posts where title = 'No. 40'",
  );
  assert.deepEqual(rows, [
    {
      description: 'A "text", with \\ and, {braces}',
      tags: ["one", 'a "b", {c}'],
      created_at: new Date("2024-03-12T00:00:00Z"),
    },
  ]);
  assert.equal((await shown(copy, "interactions", "it.post_id")).length, 27 * 40, "of older posts too");
  const secrets = await copy.pool.query("select from public.profiles where password_hash is not null");
  assert.equal(secrets.rowCount, 0, "columns that no view reads are not copied");
});
