/** Vectors that other models made of posts and people, where a draft and check find them. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { withoutPostgres } from "../db/testing.ts";
import { draftedApps } from "./testing.ts";

const skip = await withoutPostgres();
const { adoptTables } = await draftedApps({ after });

const accounts =
  "insert into auth.users (id, email) select gen_random_uuid(), n || '@example.com' from generate_series(1, 20) as n;";
const profiles = (more = "") => `${accounts}
  create table profiles (id uuid primary key references auth.users on delete cascade, username text, bio text, ${more}created_at timestamptz not null default now());
  insert into profiles (id, username, bio) select id, email, 'I bake' from auth.users;`;

/** Articles with further columns, the first of them a text. */
const articles = (people: string, author: string, columns: string, values: string, many = 200) => `${people}
  create table articles (id bigint primary key generated always as identity, author_id ${author}, title text not null, created_at timestamptz not null default now(), ${columns});
  insert into articles (author_id, title, created_at, ${columns
    .split(", ")
    .map((column) => column.split(" ")[0])
    .join(", ")})
  select (select min(id::text) from ${/references (\w+)/.exec(author)?.[1]})::${author.split(" ")[0]}, 'Number ' || n, timestamptz '2026-01-01' + n * interval '1 hour', ${values} from generate_series(1, ${many}) as n;`;

test("vectors of posts, in their own table and in another, are watched; those of pieces are not", {
  skip,
}, async () => {
  const vector = "('[' || n || ',1,2]')::extensions.vector(3)";
  const own = await adoptTables(
    "own_vectors",
    articles(profiles(), "uuid references profiles", "body text, embedding extensions.vector(3)", `'Text', ${vector}`),
  );
  assert.match(own.sql, /-- embedding: vectors of 3 numbers, missing in 0 % of rows, which the post tower reads/);
  const others = await adoptTables(
    "other_vectors",
    `${articles(profiles(), "uuid references profiles", "body text", "'Text ' || n", 150)}
     create table article_vectors (article_id bigint primary key references articles on delete cascade, model text not null, dense extensions.halfvec(3));
     insert into article_vectors select id, 'made-up-1', array[id, 1, 2]::real[]::extensions.halfvec(3) from articles;
     create table chunks (id bigint primary key generated always as identity, article_id bigint not null references articles, part extensions.vector(3));
     insert into chunks (article_id, part) select id, '[1,2,3]' from articles;`,
  );
  for (const [{ pool }, encoder] of [
    [own, "public.articles.embedding"],
    [others, "made-up-1"],
  ] as const) {
    const { rows } = await pool.query(
      "select encoder, dimension, entities from recsys_engine.own_vector_shapes('post')",
    );
    assert.deepEqual(rows, [{ encoder, dimension: 3, entities: encoder === "made-up-1" ? 150 : 200 }]);
    const found = await pool.query("select cure from recsys.check() where problem like '%vector%'");
    const [table, id] = pool === own.pool ? ["articles", "id"] : ["article_vectors", "article_id"];
    const cure = `create index concurrently on public.${table} (recsys.id_of(${id}::bigint))`;
    assert.deepEqual(found.rows, [{ cure }]);
    await pool.query(cure);
    assert.deepEqual((await pool.query("select * from recsys.check() where problem like '%vector%'")).rows, []);
    await pool.query("set role service_role");
    await pool.query("select * from recsys_engine.missing_vectors('post', 'none', gen_random_uuid(), 1)");
    await pool.query("reset role");
  }
  assert.ok(others.unsure.some((line) => /chunks: it has vectors of pieces of a post/.test(line)));
  await own.pool.query("select recsys.unwatch('articles', 'vectors'); analyze articles");
  const { rows } = await own.pool.query("select * from recsys.check() where problem like '%vector%'");
  assert.deepEqual(
    rows.map(({ problem }) => problem),
    ["embedding of public.articles has a vector of each post, which no tower reads: missing in 0 % of rows"],
  );
  await own.pool.query(rows[0].cure);
  assert.equal((await own.pool.query("select * from recsys.check() where problem like '%vector%'")).rowCount, 0);
});

test("vectors of people, in their own table and in another, are watched, also where a number names them", {
  skip,
}, async () => {
  const own = await adoptTables(
    "own_user_vectors",
    `${articles(profiles("face extensions.vector(3), "), "uuid references profiles", "body text", "'Text'")}
     update profiles set face = '[1,2,3]' where username < '5';`,
  );
  assert.match(own.sql, /-- face: vectors of 3 numbers, missing in \d+ % of rows, which the user tower reads/);
  assert.ok(
    own.sql.includes("select recsys.watch('public.profiles', 'user_vectors', p_user_id => 'id', p_texts => '{face}');"),
  );
  const others = await adoptTables(
    "other_user_vectors",
    `${articles(
      `${accounts}
       create table people (id bigint primary key generated always as identity, auth_id uuid not null unique references auth.users, username text, bio text, created_at timestamptz not null default now());
       insert into people (auth_id, username, bio) select id, email, 'I bake' from auth.users;`,
      "bigint references people",
      "body text",
      "'Text'",
    )}
     create table bios (person_id bigint primary key references people on delete cascade, model text not null, dense extensions.halfvec(3));
     insert into bios select id, 'made-up-1', '[1,2,3]'::extensions.halfvec(3) from people;
     create table moods (id bigint primary key generated always as identity, person_id bigint not null references people, mood extensions.vector(3));
     insert into moods (person_id, mood) select id, '[1,2,3]' from people;`,
  );
  const call =
    "recsys.watch('public.bios', 'user_vectors', p_user_id => 'person_id', p_texts => '{dense}', p_others => '{model}', p_user_lookup => '{public.people,id,auth_id}')";
  assert.ok(others.sql.includes(`select ${call};`), others.sql);
  assert.ok(!others.sql.includes("'public.moods', 'user_vectors'"), "of many rows of somebody none says who they are");
  for (const { pool } of [own, others]) {
    await pool.query("set role service_role");
    await pool.query("select * from recsys_engine.missing_vectors('user', 'none', gen_random_uuid(), 1)");
    const { rows } = await pool.query("select dimension, entities from recsys_engine.own_vector_shapes('user')");
    assert.equal(rows[0].dimension, 3);
    await pool.query("reset role");
    const { rows: found } = await pool.query("select problem from recsys.check() where problem like '%vector%'");
    assert.match(
      found.map(({ problem }) => problem).join(),
      /^\d+ users have a vector by (a model without a name|made-up-1) \(3 numbers\), and the posts have none: these users are embedded by their words alone$/,
    );
  }
  await others.pool.query("select recsys.unwatch('bios', 'user_vectors')");
  const { rows } = await others.pool.query("select problem, cure from recsys.check() where problem like '%vector%'");
  assert.deepEqual(
    rows.map(({ problem }) => problem.replace(/:.*/, "")),
    ["dense of public.bios has a vector of each user, which no tower reads"],
  );
  // which column says who made it is for the draft, or a person, to say
  assert.equal(rows[0].cure, `select ${call.replace(", p_others => '{model}'", "")}`);
  await others.pool.query(rows[0].cure);
});
