/** Apps of several kinds: from their tables a draft, from the draft views, and in the views the right rows. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Database } from "../db/connect.ts";
import { withoutPostgres } from "../db/testing.ts";
import { readingApp, readTables } from "./catalog/read-catalog.ts";
import { draftViews } from "./draft/draft-views.ts";
import { draftedApps, shown } from "./testing.ts";

const skip = await withoutPostgres();
const { newDatabase, adopt } = await draftedApps({ after });

const who = "right(it.user_id::text, 1)";
const post =
  "(select coalesce(nullif(title, ''), description) from recsys.source_posts where source_posts.post_id = it.post_id)";
const done = `${who}, it.kind, ${post}, it.created_at::date`;

function assertUnsure(unsure: string[], ...patterns: RegExp[]): void {
  for (const pattern of patterns)
    assert.ok(
      unsure.some((line) => pattern.test(line)),
      `${pattern} in\n${unsure.join("\n")}`,
    );
}

test("a forum: topics are posts, their first comment is their text, the others are comments", { skip }, async () => {
  const app = await adopt("forum");
  assert.deepEqual(await shown(app, "users", `${who}, it.bio`), ["1 I bake", "2 ", "3 "]);
  assert.deepEqual(
    await shown(app, "posts", "right(it.author_id::text, 1), it.title, it.description, it.tags, it.created_at::date"),
    ["1 Rye How long? {Bread} 2024-01-01"],
  );
  // one who starred and visited, whose views count each; no comment that is hidden, and none that is the topic itself; and one who
  // did something with a comment
  assert.deepEqual(await shown(app, "interactions", done), [
    "1 view Rye 2024-01-03",
    "2 comment Rye 2024-01-02",
    "2 view Rye 2024-01-02",
    "3 view Rye 2024-01-04",
    "3 view Rye 2024-01-07",
    "3 vote Rye 2024-01-05",
  ]);
  assert.deepEqual(await shown(app, "logins", `${who}, it.created_at::date`), ["1 2024-01-01", "2 2024-01-02"]);
  assertUnsure(
    app.unsure,
    /user_id has to be the uuid of auth\.users/,
    /archetype holds the type of a post/,
    /post_actions: .*of the kind comment_action/,
    /user_actions: .*is left out/,
    /post_actions: what was done is said by post_action_type_id/,
    /posts\.topic_id.*without a foreign key/,
  );
});

test("links: people by another table's uuid, votes for and against, states with a time each, tags of their own table", {
  skip,
}, async () => {
  const app = await adopt("links");
  assert.deepEqual(await shown(app, "users", who), ["1", "2", "3"]);
  assert.deepEqual(await shown(app, "posts", "right(it.author_id::text, 1), it.title, it.tags"), [
    "1 Borrowing {memory,rust}",
  ]);
  // of the votes not the one against; those on a comment are views of its post
  assert.deepEqual(await shown(app, "interactions", `${who}, it.kind, ${post}, it.value`), [
    "1 view Borrowing",
    "2 comment Borrowing",
    "2 view Borrowing",
    "2 vote Borrowing",
    "2 vote Borrowing 1",
    "3 view Borrowing",
    "3 view Borrowing",
  ]);
  assert.deepEqual(await shown(app, "dismissals", `${who}, ${post}`), ["3 Borrowing", "3 Borrowing"]);
  assert.deepEqual(await shown(app, "mutes", `${who}, it.kind, right(it.value, 5)`), [
    "2 topic async",
    "2 topic rust",
    "3 person 00001",
  ]);
  assertUnsure(app.unsure, /comment_like: .*of the kind comment_like/, /row level security is off/);
  const { rows } = await app.pool.query(
    "select count(distinct interaction_id)::int, count(*)::int as all from recsys.source_interactions",
  );
  assert.equal(rows[0].count, rows[0].all);
});

/** Whose changes, and of which posts, a statement queues: people by the end of their uuid, posts by their number. */
async function queued({ pool }: Database, statement: string): Promise<string[]> {
  await pool.query("select recsys.roll_up(null)");
  await pool.query(statement);
  const { rows } = await pool.query(
    "select distinct concat_ws(' ', right(user_id::text, 1), 'post ' || recsys.app_id(post_id, null)) as line from recsys_engine.feature_changes order by line",
  );
  return rows.map(({ line }) => line);
}

test("people who are numbers are followed by the uuid that one table has for them", { skip }, async (t) => {
  const app = await adopt(
    "links",
    "create table logins (id serial primary key, user_id int not null references person, created_at timestamptz not null default now())",
  );
  assert.deepEqual(
    app.unsure.filter((line) => /recomputed|not followed/.test(line)).map((line) => line.split(":")[0]),
    ["public.comment_like"],
  );
  const changes: [statement: string, queued: string[]][] = [
    ["insert into votes (user_id, story_id, vote) values (3, 1, 1)", ["3 post 1"]],
    ["update story_actions set saved_at = now() where person_id = 3", ["3 post 1"]],
    ["update comment set removed = true", ["2 post 1"]],
    ["insert into logins (user_id) values (2)", ["2"]],
    ["update story set creator_id = 3 where id = 1", ["post 1"]],
    ["insert into story (title, creator_id, community_id) values ('Lifetimes', 2, 1)", ["post 3"]],
  ];
  for (const [statement, expected] of changes)
    await t.test(statement, async () => {
      assert.deepEqual(await queued(app, statement), expected);
    });
  await t.test("their texts are re-embedded", async () => {
    await app.pool.query("truncate recsys_engine.embedding_jobs; update person set bio = 'Writer' where id = 2");
    const { rows } = await app.pool.query(
      "select kind, right(entity_id::text, 1) as who from recsys_engine.embedding_jobs",
    );
    assert.deepEqual(rows, [{ kind: "user", who: "2" }]);
  });
  await t.test("all comes to what the views say", async () => {
    await app.pool.query("select recsys.roll_up(null)");
    assert.deepEqual((await app.pool.query("select * from recsys_engine.feature_store_differences()")).rows, []);
  });
});

test("logins of accounts are followed where the account has the uuid, and not where a third table has it", {
  skip,
}, async () => {
  const accounts = `create table sessions (id serial primary key, account_id int not null references accounts, created_at timestamptz not null default now());
     insert into auth.users values ('00000000-0000-4000-8000-000000000002')`;
  const profiles = `create table profiles (id uuid primary key references auth.users, username text, bio text, created_at timestamptz not null default now());
     create table accounts (id int primary key, profile_id uuid not null unique references profiles, email text);
     create table posts (id int primary key, author_id uuid references profiles, title text, body text, created_at timestamptz not null default now())`;
  const near = await newDatabase("accounts");
  await near.pool.query(`${profiles}; ${accounts}`);
  await near.pool.query(
    "insert into profiles select id from auth.users; insert into accounts select 7, id from profiles",
  );
  const drafted = draftViews(await readingApp(near.pool, readTables));
  await near.pool.query(drafted.sql);
  assert.match(drafted.sql, /p_user_lookup => '\{public\.accounts,id,profile_id\}'/);
  assert.deepEqual(await queued(near, "insert into sessions (account_id) values (7)"), ["2"]);

  const far = await adopt("communities", "alter table person add column auth_id uuid unique references auth.users");
  assert.match(
    far.sql,
    /'public\.post_like', 'interactions',.* p_user_lookup => '\{public\.person,id,recsys_user_id\}'/,
  );
  assertUnsure(far.unsure, /login_token: changes of it reach/, /comment_like: changes of it reach/);
});

test("statuses: replies are comments, posts passed on are votes, both of the table of posts", { skip }, async () => {
  const app = await adopt("statuses");
  assert.deepEqual(await shown(app, "users", `${who}, it.bio`), ["1 hello", "2 ", "3 "]);
  assert.deepEqual(await shown(app, "posts", "right(it.author_id::text, 1), it.description, it.tags, it.language"), [
    "1 First {bread} en",
  ]);
  assert.deepEqual(await shown(app, "interactions", done), [
    "2 comment First 2024-01-02",
    "2 vote First 2024-01-02",
    "3 vote First 2024-01-03",
    "3 vote First 2024-01-04",
  ]);
  // a filter shows its words, not its name; one that has ended shows nothing
  assert.deepEqual(await shown(app, "mutes", `${who}, it.kind, right(it.value, 5)`), [
    "1 contains liver",
    "2 person 00003",
  ]);
  // of the account, not of the row of users; and not where it was refused
  assert.deepEqual(await shown(app, "logins", `${who}, it.created_at::date`), ["1 2024-01-05"]);
  assertUnsure(
    app.unsure,
    /custom_filter_keywords: .*contains hides a post that has the text anywhere in title or description: write title_contains/,
    /in_reply_to_id: replies are comments/,
    /visibility says who may see/,
  );
  // what is passed on later is noticed
  await app.pool.query(
    "truncate recsys_engine.feature_changes; insert into statuses (account_id, reblog_of_id, created_at) values (2, 1, '2024-02-01')",
  );
  const { rows } = await app.pool.query(
    "select distinct post_id from recsys_engine.feature_changes where post_id = recsys.id_of(1)",
  );
  assert.equal(rows.length, 1);
});

test("a team's chat: texts for ids, milliseconds, 0 and '' for nothing", { skip }, async () => {
  const app = await adopt("team-chat");
  assert.equal((await shown(app, "users", who)).length, 2);
  assert.deepEqual(
    await shown(app, "posts", "it.external_id, it.description, it.tags, it.created_at at time zone 'UTC'"),
    ["p1 Release is out {town} 2024-01-01 00:00:00"],
  );
  assert.deepEqual(await shown(app, "interactions", `it.kind, ${post}, it.created_at at time zone 'UTC'`), [
    "comment Release is out 2024-01-02 00:00:00",
    "vote Release is out 2024-01-01 00:01:40",
  ]);
  // seconds are told from milliseconds by their size
  assert.deepEqual(await shown(app, "logins", "it.created_at at time zone 'UTC'"), ["2024-01-01 00:00:00"]);
  assert.match(
    (await app.pool.query("select recsys.app_id(post_id, external_id) from recsys.source_posts")).rows[0].app_id,
    /^p1$/,
  );
});

test("a chat of channels: messages are all there is, and it says how little that is worth", { skip }, async () => {
  const app = await adopt("slack-clone");
  assert.deepEqual(await shown(app, "posts", "right(it.author_id::text, 1), it.description, it.tags"), [
    "1 Hello {random}",
  ]);
  assert.deepEqual(await shown(app, "interactions", who), []);
  assertUnsure(
    app.unsure,
    /messages of a chat/,
    /no table says what people did with posts/,
    /nothing says when somebody signed up/,
  );
});

test("a magazine: two schemas, names in mixed case, partitions, an enum of states, kinds, rows about several tables", {
  skip,
}, async () => {
  const app = await adopt("magazine");
  assert.deepEqual(await shown(app, "users", `${who}, it.passions`), ["1 {bread}", "2 {bread}"]);
  assert.deepEqual(await shown(app, "posts", "right(it.author_id::text, 1), it.title, it.tags"), [
    "1 Open {bread}",
    "Closed {}",
  ]);
  assert.deepEqual(await shown(app, "interactions", done), [
    "2 comment Open 2024-01-02",
    "2 view Open 2024-01-02",
    "2 view Open 2024-01-03",
    "2 vote Open 2024-01-03",
  ]);
  assert.deepEqual(await shown(app, "dismissals", `${who}, ${post}`), ["1 Closed"]);
  assertUnsure(
    app.unsure,
    /kind meh counts as nothing/,
    /only PUBLISHED is shown/,
    /Reaction: what is done to comments reaches the feeds only when everything/,
    /a time without a zone/,
  );
  // the policies of the app decide, through the view
  const client = await app.pool.connect();
  try {
    for (const [member, titles] of [
      ["1", ["Closed", "Open"]],
      ["2", ["Open"]],
    ] as const) {
      await client.query("begin");
      await client.query(
        "select set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)",
        [JSON.stringify({ sub: `00000000-0000-4000-8000-00000000000${member}` })],
      );
      const { rows } = await client.query("select title from recsys.source_posts order by title");
      await client.query("rollback");
      assert.deepEqual(
        rows.map(({ title }) => title),
        titles,
      );
    }
  } finally {
    client.release();
  }
  assert.deepEqual((await app.pool.query("select problem from recsys.check() where stops")).rows, []);
});

test("communities: likes of comments are views of their posts, blocked communities are tags, logins are of another table", {
  skip,
}, async () => {
  const app = await adopt("communities");
  // who saved a comment or was for it has read the post; who was against it, or was told of it, has done nothing
  assert.deepEqual(await shown(app, "interactions", done), [
    "1 view Borrowing 2024-01-03",
    "2 comment Borrowing 2024-01-02",
    "2 vote Borrowing 2024-01-02",
    "3 view Borrowing 2024-01-04",
  ]);
  assert.deepEqual(await shown(app, "logins", `${who}, it.created_at::date`), ["2 2024-01-05"]);
  assert.deepEqual(await shown(app, "mutes", `${who}, it.kind, it.value, it.created_at::date`), [
    "3 topic cats 2024-01-06",
  ]);
  const { rows } = await app.pool.query(
    "select recsys_engine.matches_mute(kind, value, null, title, tags, description) as hidden from recsys.source_mutes cross join recsys.source_posts order by title",
  );
  assert.deepEqual(
    rows.map(({ hidden }) => hidden),
    [false, true],
  );
  assertUnsure(
    app.unsure,
    /comment_like: .*make that a vote where it says as much/,
    /comment_like: changes of it reach .*the post is looked up/,
    /comment_reply: .*is left out/,
    /instance_block: it is left out/,
    /local_user_keyword_block: it is left out: .*members would have to be let read/,
    /login_token: .*public\.local_user, by which it names people, has no uuid/,
  );
  // members have no business with what only the service reads
  const [rights] = app.unsure.filter((line) => line.includes("members (authenticated) may not select"));
  assert.match(rights, /public\.comment_like/);
  assert.doesNotMatch(rights, /login_token|local_user/);
  // a team for which a like of a comment is one of the post says so in one row
  await app.pool.query("update recsys.kinds set head = 'vote' where kind = 'comment_like'");
  assert.deepEqual((await shown(app, "interactions", done))[0], "1 vote Borrowing 2024-01-03");
});

test("in a forum a like of the first comment is one of its topic; a like that names its post is followed by that", {
  skip,
}, async () => {
  const app = await adopt(
    "forum",
    `create table post_likes (id serial primary key, post_id int not null, user_id int not null, created_at timestamptz not null);
     insert into post_likes (post_id, user_id, created_at) values (1, 2, '2024-01-08'), (2, 3, '2024-01-08')`,
  );
  assert.deepEqual(
    (await shown(app, "interactions", done)).filter((line) => line.endsWith("08")),
    ["2 vote Rye 2024-01-08", "3 view Rye 2024-01-08"],
  );
  const recipes = await adopt(
    "recipes",
    `create table comment_likes (user_id uuid not null references auth.users (id), comment_id bigint not null references recipe_comments, recipe_id bigint not null references recipes, created_at timestamptz not null default now(), primary key (user_id, comment_id))`,
  );
  await recipes.pool.query(
    "truncate recsys_engine.feature_changes; insert into comment_likes select id, 1, (select recipe_id from recipe_comments where id = 1) from auth.users limit 1",
  );
  const { rows } = await recipes.pool.query(
    "select 1 from recsys_engine.feature_changes where post_id = (select recsys.id_of(recipe_id) from recipe_comments where id = 1)",
  );
  assert.equal(rows.length, 1);
});

test("a person in a key of two columns is one, without a foreign key too", { skip }, async () => {
  const { pool } = await newDatabase("no_keys");
  await pool.query(
    `create table posts (id uuid primary key, user_id uuid not null, title text not null, created_at timestamptz not null);
     create table post_likes (user_id uuid not null, post_id uuid not null references posts, created_at timestamptz not null, primary key (user_id, post_id));
     create table user_settings (user_id uuid primary key, post_id uuid references posts, liked_at timestamptz);
     insert into auth.users (id) values ('00000000-0000-4000-8000-000000000001');
     insert into posts select gen_random_uuid(), id, 'Bread', '2024-01-01' from auth.users;
     insert into post_likes select user_id, id, '2024-01-02' from posts`,
  );
  const { sql, unsure } = draftViews(await readingApp(pool, readTables));
  await pool.query(sql);
  assertUnsure(unsure, /posts\.user_id, public\.post_likes\.user_id: taken for what its name says/);
  const { rows } = await pool.query(
    "select kind, right(user_id::text, 1) as who from recsys.source_interactions join recsys.source_users using (user_id)",
  );
  assert.deepEqual(rows, [{ kind: "vote", who: "1" }]);
});

test("a strength is shown as far as a real number has room for it", { skip }, async () => {
  const { pool } = await newDatabase("strengths");
  await pool.query(
    `create table posts (id bigint primary key, user_id uuid, title text not null, created_at timestamptz not null);
     create table post_votes (user_id uuid, post_id bigint references posts, value numeric, created_at timestamptz not null);
     create table post_reviews (user_id uuid, post_id bigint references posts, review text, rating double precision, created_at timestamptz not null);
     insert into posts values (1, gen_random_uuid(), 'Bread', '2024-01-01');
     insert into post_votes select gen_random_uuid(), 1, value, '2024-01-02' from unnest('{1e300,1e-300,2.5,NaN}'::numeric[]) as value;
     insert into post_reviews select gen_random_uuid(), 1, '', rating, '2024-01-02' from unnest('{1e300,-1e300,1e-300,4.5,-infinity}'::float8[]) as rating`,
  );
  await pool.query(draftViews(await readingApp(pool, readTables)).sql);
  const { rows } = await pool.query(
    "select kind, array_agg(value::text order by value) as values from recsys.source_interactions group by kind order by kind",
  );
  assert.deepEqual(rows, [
    { kind: "comment", values: ["-1e+06", "-1e+06", "0", "4.5", "1e+06"] },
    { kind: "vote", values: ["0", "2.5", "1e+06", "1e+06"] },
  ]);
});

test("a day beyond the last instant there is leaves out its own row and no other", { skip }, async () => {
  const { pool } = await newDatabase("days");
  await pool.query(
    `create table posts (id bigint primary key, user_id uuid, title text not null, created_at date not null);
     insert into posts select row_number() over (), gen_random_uuid(), 'Bread', day from unnest('{5874897-12-31,infinity,2024-01-02,-infinity,4713-01-01 BC}'::date[]) as day`,
  );
  await pool.query(draftViews(await readingApp(pool, readTables)).sql);
  await pool.query("insert into posts values (9, gen_random_uuid(), 'Cake', '5874897-12-31')");
  const { rows } = await pool.query(
    "select created_at at time zone 'UTC' = '2024-01-02' as right from recsys.source_posts",
  );
  assert.deepEqual(rows, [{ right: true }]);
});

test("where nobody is named at all, it says that people are missing", { skip }, async () => {
  const { pool } = await newDatabase("nobody");
  await pool.query("create table articles (id bigint primary key, title text, body text, created_at timestamptz)");
  const { sql, unsure } = draftViews(await readingApp(pool, readTables));
  await pool.query(sql);
  assertUnsure(unsure, /^people: no table of people was found, and none that names people/, /nothing says who wrote/);
});
