/** `recsys compare`, on an app whose posts have numbers for ids. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { recsys } from "../cli/testing.ts";
import { withoutPostgres } from "../db/testing.ts";
import { compareListing, eligiblePosts } from "./compare-listing.ts";
import { draftedApps } from "./testing.ts";

const skip = await withoutPostgres();
const { adoptTables } = await draftedApps({ after });
const person = "00000000-0000-4000-8000-000000000001";
const app = `insert into auth.users (id) values ('${person}');
     create table profiles (id uuid primary key references auth.users, username text not null, created_at timestamptz not null default now());
     create table posts (
       id bigint generated always as identity primary key, author_id uuid references profiles, title text not null, body text not null default '',
       mood text not null, checked_at timestamptz, created_at timestamptz not null default now() - interval '1 day'
     );
     insert into profiles (id, username) values ('${person}', 'first');
     insert into posts (author_id, title, mood, checked_at)
       select null, 'A title of some words ' || n, case when n % 5 = 0 then 'angry' else 'calm' end, case when n % 7 > 0 then now() - n * interval '1 minute' end from generate_series(1, 70) as n;
     insert into posts (author_id, title, mood, checked_at) values ('${person}', 'My own words', 'calm', now());
     alter table profiles enable row level security;
     alter table posts enable row level security;
     create policy "all" on profiles for select to authenticated using (true);
     create policy "one is hidden" on posts for select to authenticated using (id <> 1);
     grant select on profiles, posts to authenticated`;
const { pool, url } = skip ? ({} as Awaited<ReturnType<typeof adoptTables>>) : await adoptTables("compare", app);

test("posts in only one of the two are reported with the reason, or with the columns that differ", {
  skip,
}, async () => {
  const { both, missing, extra, differences } = await compareListing(
    pool,
    person,
    "select id from posts where mood <> 'angry' and checked_at is not null union all select 1000",
  );
  // of 70 posts 14 are angry, 8 of the others have not been checked, and one is hidden
  assert.equal(both, 70 - 14 - 8 - 1);
  assert.deepEqual(missing, [
    { reason: "no row of recsys.source_posts", posts: ["1000"] },
    { reason: "left out for this person: their own, seen, acted on, dismissed, muted or withheld", posts: ["71"] },
  ]);
  assert.equal(extra.length, 22);
  assert.deepEqual(
    differences.map(({ text, posts }) => [text, posts.length]),
    [
      ['mood is "angry", and "calm" where both show the post', 14],
      ["checked_at is null, and not null where both show the post", 8],
    ],
  );
});

test("a post that the listing returns and the person may not read is reported", { skip }, async () => {
  const { missing } = await compareListing(pool, person, "select generate_series(1, 3)");
  assert.deepEqual(missing, [{ reason: "not readable in recsys.source_posts as this person", posts: ["1"] }]);
});

test("a person's request is made once, not for each post", { skip }, async () => {
  const client = await pool.connect();
  try {
    await client.query("begin; set local track_functions = 'all'");
    assert.equal((await eligiblePosts(client, person)).length, 70);
    const { rows } = await client.query(
      "select calls::int from pg_stat_xact_user_functions where funcname = 'feed_request'",
    );
    assert.deepEqual(rows, [{ calls: 1 }]);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

for (const [what, sql, message] of [
  ["two statements", "select 1; select 2", /the listing cannot be run as this person: .*multiple commands/],
  ["what writes", "delete from posts returning id", /cannot be run as this person: .*(permission denied|read-only)/],
  ["what is no SQL", "selct id", /cannot be run as this person: syntax error/],
  [
    "a table that does not exist",
    "select id from nothing",
    /cannot be run as this person: relation "nothing" does not exist/,
  ],
  ["no column", "select from posts", /has no column/],
] as const)
  test(`${what}: one line`, { skip }, async () => {
    await assert.rejects(compareListing(pool, person, sql), message);
  });

test("of several tables of posts the ids begin with the table, and columns are compared within it", {
  skip,
}, async () => {
  const tables = `${app.replace("default ''", "default 'Some words'")};
    create table guides (like posts including all);
    alter table guides rename column mood to temper;
    insert into guides (title, temper) select 'Guide ' || n, case when n % 3 = 0 then 'angry' else 'calm' end from generate_series(1, 60) as n;
    alter table guides add foreign key (author_id) references profiles, enable row level security;
    create policy "one is hidden" on guides for select to authenticated using (id <> 1);
    grant select on guides to authenticated`;
  const several = await adoptTables("compare_several", tables);
  const listing = (where: string) =>
    `select 'posts/' || id from posts union all select 'guides/' || id from guides ${where}`;
  const { missing, extra, differences } = await compareListing(
    several.pool,
    person,
    listing("where temper = 'calm' union all select 'guides/1'"),
  );
  assert.deepEqual(missing, [
    { reason: "not readable in recsys.source_posts as this person", posts: ["guides/1"] },
    {
      reason: "left out for this person: their own, seen, acted on, dismissed, muted or withheld",
      posts: ["posts/71"],
    },
  ]);
  assert.equal(extra.length, 20);
  assert.ok(extra.includes("guides/3"));
  assert.deepEqual(
    differences.map(({ text, posts }) => [text, posts.length]),
    [['guides.temper is "angry", and "calm" where both show the post', 20]],
  );
  await assert.rejects(
    compareListing(several.pool, person, "select id from guides"),
    /the listing has keys of one table, and ids of posts begin with its name, such as (guides|posts)\/\d+: write `select '(guides|posts)\/' \|\| id from/,
  );
});

test("the command prints counts, ids and what differs, and ends with 1 where the feed may show more", {
  skip,
}, async () => {
  const args = ["compare", "--database", url, "--as", person, "--sql"];
  const more = await recsys([...args, "select id from posts where mood = 'calm'"]);
  assert.equal(more.status, 1, more.stderr);
  assert.match(
    more.stdout,
    /^55 posts are in the listing and may be in the feed\n1 are in the listing alone: left out for this person/,
  );
  assert.match(more.stdout, /14 may be in the feed alone: .* and 4 more\n {2}of 14 of these mood is "angry"/);
  const same = await recsys([...args, "select id from posts"]);
  assert.equal(same.status, 0, same.stderr);
  const unknown = await recsys(["compare", "--database", url, "--as", "nobody", "--sql", "select 1"]);
  assert.match(unknown.stderr, /there is no user nobody/);
});
