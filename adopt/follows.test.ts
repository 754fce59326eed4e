/** Who follows whom and what, by the tables of several apps: the rows of recsys.source_follows, and what is no follow. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Database } from "../db/connect.ts";
import { withoutPostgres } from "../db/testing.ts";
import { draftedApps, shown } from "./testing.ts";

const skip = await withoutPostgres();
const { adopt, adoptTables } = await draftedApps({ after });

const uuid = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;
const follows = async (app: Database, more = "") =>
  await shown(
    app,
    "follows",
    `right(it.user_id::text, 1), it.kind, case it.kind when 'person' then right(it.target, 1) else it.target end${more}`,
  );
const day = ", it.created_at::date";
const lineOf = (coverage: string[], table: string) =>
  coverage
    .find((line) => line.includes(` ${table} `))
    ?.replace(/ +/g, " ")
    .trim() ?? "";

test("communities: who joined them, and people whom others follow; not those who wait", { skip }, async (t) => {
  const app = await adopt("communities");
  assert.deepEqual(await follows(app, day), [
    "1 group cats 2024-01-08",
    "2 group rust 2024-01-07",
    "3 person 1 2024-01-09",
  ]);
  assert.equal(
    lineOf(app.coverage, "public.community_follower"),
    "used public.community_follower 3 groups that somebody follows: 2 of 3",
  );
  assert.equal(
    lineOf(app.coverage, "public.person_follower"),
    "used public.person_follower 2 people whom somebody follows: 1 of 2",
  );
  await t.test("a group is a tag of its posts, which feeds find by it", async () => {
    const { rows } = await app.pool.query(
      "select recsys_engine.followed_topics(user_id, now()) as topics from recsys.source_follows where target = 'cats'",
    );
    assert.deepEqual(rows, [{ topics: ["cats"] }]);
  });
  await t.test("who leaves, and who is let in", async () => {
    await app.pool.query(
      "delete from community_follower where person_id = 1; update person_follower set pending = false",
    );
    assert.deepEqual(await follows(app), ["2 group rust", "3 person 1", "3 person 2"]);
  });
  await t.test("check knows of nothing that is wrong with them", async () => {
    const { rows } = await app.pool.query("select problem from recsys_engine.check_rows() where problem ~ 'follow'");
    assert.deepEqual(rows, []);
  });
});

test("communities whose states are columns of one row each", { skip }, async () => {
  const app = await adopt(
    "communities",
    `drop table community_follower; drop table person_follower;
     create type follow_state as enum ('Accepted', 'Pending', 'ApprovalRequired');
     create table community_actions (person_id int not null references person, community_id int not null references community, followed timestamptz, follow_state follow_state, blocked timestamptz, became_moderator timestamptz, primary key (person_id, community_id));
     create table person_actions (person_id int not null references person, target_id int not null references person, followed timestamptz, follow_pending boolean, blocked timestamptz, primary key (person_id, target_id));
     insert into community_actions values (1, 1, '2024-01-05', 'Accepted', null, null), (1, 2, '2024-01-06', 'Pending', null, null), (2, 1, null, null, now(), null), (2, 2, null, null, null, now()), (3, 2, '2024-01-07', 'Accepted', '2024-01-08', null);
     insert into person_actions values (1, 2, '2024-01-09', false, null), (1, 3, '2024-01-09', true, null), (2, 3, null, null, now());`,
  );
  assert.deepEqual(await follows(app, day), ["1 group rust 2024-01-05", "1 person 2 2024-01-09"]);
  assert.deepEqual(await shown(app, "mutes", "right(it.user_id::text, 1), it.kind, right(it.value, 4)"), [
    "2 person 0003",
    "2 topic rust",
    "3 topic cats",
    "3 topic cats",
  ]);
  assert.ok(app.unsure.some((line) => /follow_state: of .* only Accepted counts/.test(line)));
});

test("statuses: accounts and tags, and no requests", { skip }, async () => {
  const app = await adopt("statuses");
  assert.deepEqual(await follows(app, day), ["1 person 2 2024-01-07", "2 topic bread 2024-01-08"]);
  assert.equal(
    lineOf(app.coverage, "public.follow_requests"),
    "left out public.follow_requests 1 who asks to follow somebody does not follow them yet",
  );
  await app.pool.query("delete from follows");
  assert.deepEqual(await follows(app), ["2 topic bread"]);
});

/** Articles of people who are numbers, with tags in a text and an organisation, and follows of rows of several tables. */
const articles = `
  insert into auth.users (id) select ('00000000-0000-4000-8000-00000000000' || n)::uuid from generate_series(1, 4) as n;
  create table users (id bigint primary key, auth_id uuid not null unique references auth.users, username text, created_at timestamptz not null default '2020-01-01');
  insert into users select n, ('00000000-0000-4000-8000-00000000000' || n)::uuid, 'u' || n from generate_series(1, 4) as n;
  create table organizations (id bigint primary key, name text not null);
  insert into organizations values (1, 'Bread Society'), (2, '');
  create table tags (id bigint primary key, name text not null);
  insert into tags values (1, 'bread'), (2, 'trains');
  create table articles (id bigint primary key, user_id bigint references users, organization_id bigint references organizations, title text not null, body text, cached_tag_list text, created_at timestamptz not null default now());
  insert into articles values (1, 1, 1, 'Rye', 'Long', 'bread, rye'), (2, 2, null, 'Spelt', 'Long', null);
  create table follows (id bigint primary key generated always as identity, follower_id bigint not null, follower_type text not null, followable_id bigint not null, followable_type text not null, blocked boolean not null default false, created_at timestamptz default '2024-01-07');`;
const rows = (...of: string[]) =>
  `insert into follows (follower_id, follower_type, followable_id, followable_type, blocked) values ${of.map((row) => `(${row})`).join(", ")};`;

test("follows of rows of several tables: people, tags and organisations, each as posts show it", {
  skip,
}, async (t) => {
  const app = await adoptTables(
    "follows_types",
    articles +
      rows(
        "1, 'User', 2, 'User', false",
        "1, 'User', 2, 'ActsAsTaggableOn::Tag', false",
        "1, 'User', 1, 'Organization', false",
        "1, 'User', 1, 'Podcast', false",
        // blocked, oneself, no user, an unknown name, and a follower that is no person
        "1, 'User', 3, 'User', true",
        "2, 'User', 2, 'User', false",
        "2, 'User', 99, 'User', false",
        "2, 'User', 2, 'Organization', false",
        "3, 'Organization', 1, 'User', false",
      ),
  );
  assert.deepEqual(await follows(app, day), [
    "1 group Bread Society 2024-01-07",
    "1 person 2 2024-01-07",
    "1 topic trains 2024-01-07",
  ]);
  assert.deepEqual(await shown(app, "posts", "it.title, it.tags"), ['Rye {bread,rye,"Bread Society"}', "Spelt {}"]);
  await t.test("where the post is another's, it has their name, and is found by it", async () => {
    const topics = async () =>
      (await app.pool.query(`select recsys_engine.followed_topics('${uuid(1)}', now()) as topics`)).rows[0].topics;
    assert.deepEqual(await topics(), ["bread society"]);
    await app.pool.query("update articles set organization_id = null");
    assert.deepEqual(await topics(), []);
  });
  await t.test("the list counts each kind by itself", () => {
    const place = app.coverage.findIndex((line) => line.includes(" public.follows "));
    const said = app.coverage.slice(place, place + 3).map((line) => line.replace(/ +/g, " ").trim());
    assert.deepEqual(said, [
      "used, but public.follows 9 people whom somebody follows: 2 of 9; 50 % name nobody whom the table of people has",
      "tags that somebody follows: 1 of 9",
      "groups that somebody follows: 2 of 9",
    ]);
  });
});

test("a followee of several tables is a person or a tag by its type", { skip }, async () => {
  const app = await adoptTables(
    "follows_followees",
    `${articles} drop table follows;
     create table followings (id bigint primary key, follower_id bigint references users, followee_id bigint not null, followee_type text not null, created_at timestamptz default '2024-01-07');
     insert into followings values (1, 1, 2, 'User'), (2, 2, 1, 'Tag'), (3, 2, 1, 'Organization');`,
  );
  assert.deepEqual(await follows(app), ["1 person 2", "2 group Bread Society", "2 topic bread"]);
});

test("where nobody follows anything yet, what the types will be is guessed and said", { skip }, async () => {
  const app = await adoptTables("follows_none", articles);
  assert.deepEqual(await follows(app), []);
  assert.ok(app.unsure.some((line) => /follows: which values of followable_type mean people is guessed/.test(line)));
  await app.pool.query(
    rows("1, 'User', 2, 'User', false", "1, 'User', 1, 'Tag', false", "1, 'User', 1, 'Organization', true"),
  );
  assert.deepEqual(await follows(app), ["1 person 2", "1 topic bread"]);
});

/** People and posts, whose ids are uuids, to which each case adds a table. */
const plain = `
  insert into auth.users (id) select ('00000000-0000-4000-8000-00000000000' || n)::uuid from generate_series(1, 4) as n;
  create table profiles (id uuid primary key references auth.users, username text, created_at timestamptz not null default '2020-01-01');
  insert into profiles (id, username) select id, 'u' from auth.users;
  create table "Channels" (id uuid primary key, "channel's ""name""" text, name text);
  create table posts (id uuid primary key default gen_random_uuid(), user_id uuid references profiles, channel_id uuid references "Channels", title text not null, tags text[], created_at timestamptz not null default now());
  insert into "Channels" values ('${uuid(7)}', null, 'It''s "one"');
  insert into posts (user_id, channel_id, title, tags) values ('${uuid(1)}', '${uuid(7)}', 'Rye', '{bread}');`;
const pair = (one: number, two: number, ...more: string[]) =>
  `(${[`'${uuid(one)}'`, `'${uuid(two)}'`, ...more].join(", ")})`;

const cases: [name: string, tables: string, rows: string[], said?: RegExp][] = [
  [
    "the one who is following, and the one who is followed",
    `create table follows (following_user_id uuid references profiles, followed_user_id uuid references profiles, created_at timestamptz default '2024-01-02'); insert into follows values ${pair(1, 2)}`,
    ["1 person 2 2024-01-02"],
  ],
  [
    "a follower, and whom they are following",
    `create table relationships (following_id uuid references profiles, follower_id uuid references profiles); insert into relationships values ${pair(1, 2)}`,
    ["2 person 1"],
  ],
  [
    "names without keys, with quotes and capitals",
    `create table "My ""Follows""" ("Follower's Id" uuid, "followeeId" uuid, "it's ""Pending""" text, "createdAt" timestamptz default '2024-01-02'); insert into "My ""Follows""" values ${pair(3, 1)}`,
    [],
    /not understood public\.My "Follows" 1 whom somebody follows is in no view: it names one person \(followeeId\)/,
  ],
  [
    "capitals and quotes in the names of what is followed",
    `create table "Channel ""Follows""" ("FollowerId" uuid references profiles, "the 'Channel'" uuid references "Channels", "CreatedOn" timestamptz default '2024-01-02'); insert into "Channel ""Follows""" values ${pair(3, 7)}`,
    [`3 group It's "one" 2024-01-02`],
  ],
  [
    "two tables, and tags by their words",
    `create table user_follows (follower_id uuid references profiles, target_id uuid references profiles); create table tag_follows (user_id uuid references profiles, tag text, created_at date default '2024-01-02');
     insert into user_follows values ${pair(1, 2)}; insert into tag_follows values ('${uuid(1)}', 'bread'), ('${uuid(2)}', ' ')`,
    ["1 person 2", "1 topic bread 2024-01-02"],
  ],
  [
    "one person and nobody else",
    `create table follows (id bigint primary key, user_id uuid references profiles, created_at timestamptz); insert into follows values (1, '${uuid(1)}', now())`,
    [],
    /not understood public\.follows 1 whom somebody follows is in no view: it names one person \(user_id\), and neither another nor a tag or a group of posts/,
  ],
  [
    "two people of whom neither is said to follow",
    `create table follows (one_id uuid references profiles, two_id uuid references profiles)`,
    [],
    /not understood public\.follows 0 whom somebody follows is in no view: which of one_id and two_id follows the other no column says/,
  ],
  [
    "rows in which no post is",
    `create table clubs (id uuid primary key, name text); create table club_followers (user_id uuid references profiles, club_id uuid references clubs)`,
    [],
    /not understood public\.club_followers 0 whom somebody follows is in no view: posts do not say in which row of public\.clubs they are/,
  ],
  [
    "rows of which members may read nothing",
    `create table channel_follows (user_id uuid references profiles, channel_id uuid references "Channels"); grant select on posts, profiles, channel_follows to authenticated`,
    [],
    /not understood public\.channel_follows 0 whom somebody follows is in no view: members may read nothing of public\.Channels/,
  ],
  [
    "channels by a column that could as well name a person",
    `create table channel_following (follower_id uuid, followee_id uuid)`,
    [],
    /not understood public\.channel_following 0 whom somebody follows is in no view: whether followee_id names a person or a row of public\.Channels no key says/,
  ],
  [
    "friends",
    `create table friendships (user_id uuid references profiles, friend_id uuid references profiles, status text)`,
    [],
    /not understood public\.friendships 0 whom somebody follows is in no view: whether friends are asked for/,
  ],
  [
    "oneself, somebody who is gone, and times that none can count with",
    `create table follows (follower_id uuid, followed_id uuid, created_at timestamptz); insert into follows values ${pair(1, 1, "now()")}, ${pair(1, 9, "'-infinity'")}, ${pair(1, 2, "'infinity'")}`,
    ["1 person 2", "1 person 9"],
    /used, but public\.follows 3 people whom somebody follows: 2 of 3; 50 % name nobody/,
  ],
  [
    "states in any text, and what is deleted; who hides a follow follows",
    `create table follows (follower_id uuid, followed_id uuid, status text, hidden boolean, is_public boolean, deleted_at timestamptz);
     insert into follows values ${pair(1, 2, "'accepted', true, false, null")}, ${pair(1, 3, "'pending', false, true, null")}, ${pair(2, 3, "'not_following', false, true, null")}, ${pair(3, 1, "'accepted', false, true, now()")}`,
    ["1 person 2"],
  ],
  [
    "states of which only what is no follow is known",
    `create table follows (follower_id uuid, followed_id uuid, state text); insert into follows values ${pair(1, 2, "'requested'")}, ${pair(1, 3, "null")}, ${pair(2, 3, "'special'")}`,
    ["1 person 3", "2 person 3"],
  ],
  [
    "flags and times that say it",
    `create table follows (follower_id uuid, followed_id uuid, approved boolean, accepted_at timestamptz, rejected_at timestamptz, created_at timestamptz default '2024-01-02');
     insert into follows values ${pair(1, 2, "true, now(), null")}, ${pair(1, 3, "false, now(), null")}, ${pair(2, 3, "true, null, null")}, ${pair(3, 1, "true, now(), now()")}`,
    ["1 person 2 2024-01-02"],
  ],
];

test("whom somebody follows, or why that is in no view", { skip }, async (t) => {
  for (const [place, [name, tables, expected, said]] of cases.entries())
    await t.test(name, async () => {
      const app = await adoptTables(`follows_${place}`, `${plain} ${tables}`);
      assert.deepEqual(await follows(app, day), expected);
      if (said) assert.match(app.coverage.join("\n").replace(/ +/g, " "), said);
      if (said && /not understood/.test(said.source))
        assert.ok(app.unsure.some((line) => line.includes("it is left out: whom somebody follows is in no view")));
    });
});

test("members read in the view what the policies of the table let them", { skip }, async () => {
  const app = await adoptTables(
    "follows_policies",
    `${plain}
     create table follows (follower_id uuid references profiles, followed_id uuid references profiles);
     insert into follows values ${pair(1, 2)}, ${pair(2, 3)};
     alter table follows enable row level security;
     create policy "one's own" on follows for select to authenticated using (follower_id = (select auth.uid()));
     grant select on follows to authenticated;`,
  );
  assert.deepEqual(await follows(app), ["1 person 2", "2 person 3"]);
  const client = await app.pool.connect();
  try {
    await client.query("begin");
    await client.query("select set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)", [
      JSON.stringify({ sub: uuid(2), role: "authenticated" }),
    ]);
    const { rows } = await client.query("select target from recsys.source_follows");
    assert.deepEqual(rows, [{ target: uuid(3) }]);
    await client.query("rollback");
  } finally {
    client.release();
  }
});
