/** Apps with several tables of posts: the tables that a draft takes, ids that do not collide, and the posts that members read. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Database } from "../db/connect.ts";
import { withoutPostgres } from "../db/testing.ts";
import { draftedApps, shown } from "./testing.ts";

const skip = await withoutPostgres();
const { adopt, adoptTables } = await draftedApps({ after });

const uuid = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;

/** SQL of people and tables of content; `columns` adds columns to each table, and ids have a type. */
const app = (id: string, more = "", policies = "using (true)", ofQuestions = policies) => `
  insert into auth.users (id) select ('00000000-0000-4000-8000-00000000000' || n)::uuid from generate_series(1, 3) as n;
  create table profiles (id uuid primary key references auth.users, username text, created_at timestamptz not null default '2020-01-01');
  insert into profiles (id, username) select id, 'u' from auth.users;
  create table articles (id ${id}, author_id uuid not null references profiles, title text not null, body text, created_at timestamptz not null default now());
  create table questions (id ${id}, author_id uuid not null references profiles, title text not null, body text, closed boolean not null default false, created_at timestamptz not null default now());
  alter table articles enable row level security;
  alter table questions enable row level security;
  create policy "read" on articles for select to authenticated ${policies};
  create policy "read" on questions for select to authenticated ${ofQuestions};
  grant select on profiles, articles, questions to authenticated;
  ${more}`;
const numbers = "bigint primary key generated always as identity";
const rows = `
  insert into articles (author_id, title, body) values ('${uuid(1)}', 'Loom', 'Long'), ('${uuid(2)}', 'Warp', 'Long');
  insert into questions (author_id, title, body) values ('${uuid(2)}', 'Which yarn', 'Long'), ('${uuid(1)}', 'Which needle', 'Long');`;

const titles = "it.external_id, it.title, it.tags";

async function asMember<T>({ pool }: Pick<Database, "pool">, member: string, read: string): Promise<T[]> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("select set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)", [
      JSON.stringify({ sub: member, role: "authenticated" }),
    ]);
    return (await client.query(read)).rows;
  } finally {
    await client.query("rollback");
    client.release();
  }
}

test("posts of two tables with the same number have two ids, and each action reaches the right one", {
  skip,
}, async () => {
  const likes = `
    create table article_likes (user_id uuid not null references profiles, article_id bigint not null references articles, created_at timestamptz not null default now(), primary key (user_id, article_id));
    create table question_likes (user_id uuid not null references profiles, question_id bigint not null references questions, created_at timestamptz not null default now(), primary key (user_id, question_id));
    grant select on article_likes, question_likes to authenticated;
    ${rows}
    insert into article_likes (user_id, article_id) values ('${uuid(3)}', 1);
    insert into question_likes (user_id, question_id) values ('${uuid(3)}', 1), ('${uuid(3)}', 2);`;
  const adopted = await adoptTables("same_numbers", app(numbers, likes));
  assert.deepEqual(await shown(adopted, "posts", titles), [
    "articles/1 Loom {articles}",
    "articles/2 Warp {articles}",
    "questions/1 Which yarn {questions}",
    "questions/2 Which needle {questions}",
  ]);
  assert.deepEqual(
    await shown(
      adopted,
      "interactions",
      "it.kind, (select title from recsys.source_posts where source_posts.post_id = it.post_id)",
    ),
    ["vote Loom", "vote Which needle", "vote Which yarn"],
  );
  await adopted.pool.query("delete from recsys_engine.feature_changes");
  const queued = async (change: string) => {
    await adopted.pool.query(change);
    const { rows } = await adopted.pool.query(
      `with taken as (delete from recsys_engine.feature_changes returning post_id)
       select distinct ids.id from taken join (
         select 'articles/' || n as id from generate_series(1, 3) as n union all select 'questions/' || n from generate_series(1, 3) as n
       ) as ids on recsys.id_of(ids.id) = taken.post_id order by 1`,
    );
    return rows.map(({ id }) => id);
  };
  assert.deepEqual(await queued("update questions set body = 'Longer' where id = 1"), []);
  assert.deepEqual(await queued(`update questions set author_id = '${uuid(3)}' where id = 1`), ["questions/1"]);
  assert.deepEqual(await queued("delete from article_likes"), ["articles/1"]);
  assert.deepEqual(await queued("delete from question_likes where question_id = 2"), ["questions/2"]);
  assert.deepEqual(await queued("delete from articles where id = 2"), ["articles/2"]);
});

test("uuids need nothing before them, texts do", { skip }, async () => {
  const uuids = await adoptTables("uuids", app("uuid primary key default gen_random_uuid()", rows));
  assert.doesNotMatch(uuids.sql, /recsys_id/);
  assert.deepEqual(await shown(uuids, "posts", titles), [
    "Loom {articles}",
    "Warp {articles}",
    "Which needle {questions}",
    "Which yarn {questions}",
  ]);
  const slugs = rows
    .replace(/\(author_id/g, "(id, author_id")
    .replace(/\('0/g, "('it', '0")
    .replace(/, \('it', [^)]*\)/g, "");
  const texts = await adoptTables("texts", app("text primary key", slugs));
  assert.deepEqual(await shown(texts, "posts", titles), [
    "articles/it Loom {articles}",
    "questions/it Which yarn {questions}",
  ]);
  const { rows: ids } = await texts.pool.query("select count(distinct post_id)::int from recsys.source_posts");
  assert.deepEqual(ids, [{ count: 2 }]);
});

test("one table of comments, whose type says on what: an enum, a text, and the name of a class", { skip }, async () => {
  for (const [place, [type, values]] of [
    ["text", ["Article", "Question", "Profile"]],
    ["text", ["App\\Models\\Article", "App\\Models\\Question", "App\\Models\\Profile"]],
    ["about", ["article", "question", "profile"]],
  ].entries() as ArrayIterator<[number, [string, string[]]]>) {
    const comments = `
      create type about as enum ('article', 'question', 'profile');
      create table comments (id ${numbers}, user_id uuid not null references profiles, commentable_type ${type} not null, commentable_id bigint not null, body text not null, created_at timestamptz not null default now());
      grant select on comments to authenticated;
      ${rows}
      insert into comments (user_id, commentable_type, commentable_id, body) values
        ${values.map((value) => `('${uuid(3)}', '${value}', 1, 'So it is, I should say')`).join(", ")};`;
    const adopted = await adoptTables(`types_${place}`, app(numbers, comments));
    assert.deepEqual(
      await shown(
        adopted,
        "interactions",
        "it.kind, (select title from recsys.source_posts where source_posts.post_id = it.post_id)",
      ),
      ["comment Loom", "comment Which yarn"],
      type,
    );
    assert.ok(adopted.coverage.some((line) => /used +public\.comments +3 +comments: 2 of 3$/.test(line)));
    assert.equal(adopted.sql.match(/recsys\.watch\('public\.comments'/g)?.length, 1);
  }
});

test("each table keeps to its own policy", { skip }, async () => {
  const own = `using (author_id = (select auth.uid()) or not closed)`;
  const likes = `
    create table question_likes (user_id uuid not null references profiles, question_id bigint not null references questions, created_at timestamptz not null default now());
    create table article_likes (user_id uuid not null references profiles, article_id bigint not null references articles, created_at timestamptz not null default now());
    grant select on question_likes, article_likes to authenticated;
    ${rows} update questions set closed = true where id = 1;`;
  const adopted = await adoptTables("policies", app(numbers, likes, "using (title <> 'Warp')", own));
  const read = async (member: number) =>
    (
      await asMember<{ id: string }>(
        adopted,
        uuid(member),
        "select external_id as id from recsys.source_posts order by 1",
      )
    )
      .map(({ id }) => id)
      .join(" ");
  assert.equal(await read(1), "articles/1 questions/2");
  assert.equal(await read(2), "articles/1 questions/1 questions/2");
  assert.equal(await read(3), "articles/1 questions/2");
});

test("tags in another table are those that the reader may read, also where a table of several is called posts", {
  skip,
}, async () => {
  const tags = `
    create table tags (article_id bigint not null references articles, name text not null, primary key (article_id, name));
    alter table tags enable row level security;
    create policy "read" on tags for select to authenticated using (name <> 'secret');
    grant select on tags to authenticated;
    ${rows} insert into tags (article_id, name) values (1, 'wool'), (1, 'secret'), (1, 'linen');
    alter table questions rename to posts;`;
  const adopted = await adoptTables("tags_of_several", app(numbers, tags));
  assert.deepEqual(
    await asMember(adopted, uuid(2), "select external_id, tags from recsys.source_posts order by external_id"),
    [
      { external_id: "articles/1", tags: ["linen", "wool", "articles"] },
      { external_id: "articles/2", tags: ["articles"] },
      { external_id: "posts/1", tags: ["posts"] },
      { external_id: "posts/2", tags: ["posts"] },
    ],
  );
});

test("a post of several tables is found by an index of each", { skip }, async () => {
  const many = ["articles", "questions"].map(
    (table) =>
      `insert into ${table} (author_id, title, body) select '${uuid(1)}', 'Title ' || n, 'Long' from generate_series(1, 5000) as n;
       create index on ${table} (created_at);`,
  );
  const adopted = await adoptTables("lookups_of_several", `${app(numbers, many.join("\n"))}; analyze;`);
  for (const wanted of [
    "select posts.title from unnest(array[recsys.id_of('articles/7')]) as ids (id) join recsys.source_posts as posts on posts.post_id = ids.id",
    "select title from recsys.source_posts where post_id = any (array[recsys.id_of('articles/7'), recsys.id_of('questions/7')])",
    "select title from recsys.source_posts where created_at < now() order by created_at desc limit 5",
  ]) {
    const plan = await asMember<{ "QUERY PLAN": string }>(adopted, uuid(2), `explain (costs off) ${wanted}`);
    const lines = plan.map((row) => row["QUERY PLAN"]).join("\n");
    assert.doesNotMatch(lines, /Seq Scan/, wanted);
    assert.match(lines, /articles_.*\n[\s\S]*questions_/, wanted);
  }
});

const leftOut: [what: string, tables: string, why: RegExp][] = [
  [
    "which only its author reads",
    app(numbers, rows, "using (true)", "using (author_id = (select auth.uid()))"),
    /points, and a second/,
  ],
  [
    "without actions, under other policies",
    app(numbers, rows, "using (true)", "using (not closed)"),
    /no table says what people did/,
  ],
  [
    "without row level security",
    app(numbers, `${rows} alter table questions disable row level security;`),
    /row level security is off for it/,
  ],
  [
    "which members may not read",
    app(numbers, `${rows} revoke select on questions from authenticated;`),
    /members may read none/,
  ],
  [
    "without a title",
    app(numbers, `${rows} alter table questions drop column title;`),
    /points, and a second|it has no title/,
  ],
  [
    "whose authors are known otherwise",
    app(
      numbers,
      `${rows} alter table profiles add column number bigint unique; alter table questions drop column author_id cascade; alter table questions add column author_id bigint;`,
    ),
    /authors are not named|points, and a second/,
  ],
];
for (const [place, [what, tables, why]] of leftOut.entries())
  test(`a second table ${what} is left out, with its rows`, { skip }, async () => {
    const { unsure, coverage, sql, pool } = await adoptTables(`left_out_${place}`, tables);
    assert.doesNotMatch(sql, /union all\n *select\n *questions|from public\.questions/);
    assert.equal((await pool.query("select from recsys.source_posts")).rowCount, 2);
    assert.ok(
      coverage.some((line) => why.test(line)),
      coverage.join("\n"),
    );
    assert.ok(
      unsure.some((line) => /what else could be posts is left out: public\.questions \(2 rows\)/.test(line)),
      unsure.join("\n"),
    );
  });

test("a question may be about an article, and is a post; an answer to each is a comment", { skip }, async () => {
  const about = (needed: string) =>
    app(numbers, `${rows} alter table questions add column article_id bigint ${needed} references articles;`);
  const may = await adoptTables("may_name_posts", about(""));
  assert.equal((await shown(may, "posts", "it.title")).length, 4);
  assert.deepEqual(await shown(may, "interactions", "it.kind"), []);
  const must = await adoptTables("name_posts", about("not null default 1"));
  assert.deepEqual(await shown(must, "posts", "it.title"), ["Loom", "Warp"]);
  assert.deepEqual(await shown(must, "interactions", "it.kind"), ["comment", "comment"]);
  assert.ok(must.unsure.some((line) => /questions could be the posts as well/.test(line)));
});

test("messages, reports and reviews of people are no posts next to others", { skip }, async () => {
  const others = `
    create table messages (id ${numbers}, sender_id uuid not null references profiles, receiver_id uuid not null references profiles, subject text, body text, created_at timestamptz not null default now());
    create table reports (id ${numbers}, reporter_id uuid not null references profiles, title text, body text, created_at timestamptz not null default now());
    create table profile_reviews (id ${numbers}, author_id uuid not null references profiles, profile_id uuid not null references profiles, title text not null, body text not null, created_at timestamptz not null default now());
    create table announcements (id ${numbers}, author_id uuid not null references profiles, title text not null, body text not null, created_at timestamptz not null default now());
    alter table messages enable row level security; alter table reports enable row level security; alter table profile_reviews enable row level security; alter table announcements enable row level security;
    create policy "read" on messages for select to authenticated using (true);
    create policy "read" on reports for select to authenticated using (true);
    create policy "read" on profile_reviews for select to authenticated using (true);
    create policy "read" on announcements for select to authenticated using (true);
    grant select on messages, reports, profile_reviews, announcements to authenticated;
    ${rows}`;
  const { sql } = await adoptTables("no_contents", app(numbers, others));
  const [, view] = /create or replace view recsys\.source_posts[\s\S]*?from \(([\s\S]*?)\) as posts/.exec(sql) ?? [];
  assert.deepEqual([...(view ?? "").matchAll(/^ {2}from (\S+)/gm)].map(([, table]) => table).sort(), [
    "public.articles",
    "public.questions",
  ]);
});

test("one account in two tenants is one person, who belongs to both and reads what both have in all tables", {
  skip,
}, async () => {
  const adopted = await adopt("makers");
  const { rows: people } = await adopted.pool.query<{ person: string; tenants: string[] }>(
    `select auth_id as person, array_agg('tenant_id ' || tenant_id order by tenant_id) as tenants from profiles
     where auth_id is not null group by 1 having count(*) > 1 order by 1`,
  );
  assert.ok(people.length > 1);
  for (const { person, tenants } of people) {
    const read = (what: string) => asMember(adopted, person, what);
    assert.deepEqual(
      await read(`select scope from recsys.source_memberships where user_id = '${person}' order by 1`),
      tenants.map((scope) => ({ scope })),
    );
    const seen = await read(
      `select distinct content.tenant_id, content.kind from recsys.source_posts join (
         select 'projects' as kind, id, tenant_id from projects union all select 'guides', id, tenant_id from guides union all
         select 'questions', id, tenant_id from questions union all select 'articles', id, tenant_id from articles
       ) as content on external_id = kind || '/' || id`,
    );
    assert.equal(seen.length, 2 * 4, JSON.stringify(seen));
    const { rows } = await adopted.pool.query("select from recsys.source_users where user_id = $1", [person]);
    assert.equal(rows.length, 1);
  }
});
