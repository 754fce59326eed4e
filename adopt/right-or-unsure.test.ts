/** Two apps with columns and tables that mislead: the draft is right, or says that it is unsure. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Database } from "../db/connect.ts";
import { readingAs } from "../db/reading-as.ts";
import { withoutPostgres } from "../db/testing.ts";
import { draftedApps } from "./testing.ts";

const skip = await withoutPostgres();
const { adopt, adoptTables } = await draftedApps({ after });
const has = (lines: string[], pattern: RegExp) =>
  assert.ok(
    lines.some((line) => pattern.test(line)),
    `${pattern} in\n${lines.join("\n")}`,
  );

test("an aggregator: no vote counts twice or as the author's, and what has no time is not counted", {
  skip,
}, async () => {
  const { sql, coverage, pool } = await adopt("aggregator");
  has(coverage, /left out +public\.liked_combined .*repeats what public\.post_actions says/);
  has(coverage, /not understood +public\.content_combined .*names the author of the post/);
  has(coverage, /left out +public\.modlog/);
  assert.doesNotMatch(sql, /read_comments_at|from public\.liked_combined/);
  const votes = await pool.query("select count(*)::int from recsys.source_interactions where kind = 'vote'");
  const meant = await pool.query(
    "select (count(*) filter (where like_score > 0) + count(saved_at))::int as count from post_actions",
  );
  assert.deepEqual(votes.rows, meant.rows);
  assert.match(sql, /from public\.community as tagged/);
  const languages = await pool.query("select language, count(*)::int from recsys.source_posts group by 1 order by 1");
  const spoken = await pool.query(
    `select nullif(code, 'und') as language, count(*)::int from post join language on language.id = language_id join person on person.id = creator_id
     where not post.removed and not deleted and not banned group by 1 order by 1`,
  );
  assert.deepEqual(languages.rows, spoken.rows);
});

test("an aggregator: who is blocked at a time is muted, a person or a community, and is not followed", {
  skip,
}, async () => {
  const { unsure, coverage, pool } = await adopt("aggregator");
  const muted = await pool.query("select kind, count(*)::int from recsys.source_mutes group by 1 order by 1");
  const meant = await pool.query(
    `select kind, count(*)::int from (
       select 'person' as kind from person_actions where blocked_at is not null union all
       select 'topic' from community_actions where blocked_at is not null union all select 'contains' from keyword_block
     ) as blocked group by 1 order by 1`,
  );
  assert.deepEqual(muted.rows, meant.rows);
  assert.equal(muted.rows.length, 3);
  const both = await pool.query(
    "select from recsys.source_mutes join recsys.source_follows using (user_id) where value = target",
  );
  assert.equal(both.rowCount, 0);
  has(unsure, /person_actions: .* person_id blocks target_id, where it has blocked_at/);
  has(coverage, /not understood +public\.instance_actions .*no person, tag or word/);
});

test("an aggregator: coverage counts an act where it has a time, not each row", { skip }, async () => {
  const { coverage, pool } = await adopt("aggregator");
  const begun = coverage.findIndex((line) => /^ *used +public\.post_actions /.test(line));
  const said = coverage.slice(begun, begun + 5).map((line) => line.replace(/^.* {2}|,/g, ""));
  const { rows } = await pool.query(
    `select count(*)::int as of, count(read_at)::int as read, count(saved_at)::int as saved, count(hidden_at)::int as hidden,
       (count(*) filter (where like_score > 0))::int as liked, (count(*) filter (where like_score < 0))::int as disliked from post_actions`,
  );
  const { of, read, saved, hidden, liked, disliked } = rows[0];
  const meant = [
    `views (read): ${read}`,
    `votes (saved): ${saved}`,
    `votes (liked): ${liked}`,
    `dismissals: ${hidden}`,
    `dismissals: ${disliked}`,
  ];
  assert.deepEqual(said.sort(), meant.map((line) => `${line} of ${of}`).sort());
});

test("an aggregator: comments are rows of comments, and follows and blocks of communities have a target", {
  skip,
}, async () => {
  const { pool } = await adopt("aggregator");
  const { rows } = await pool.query(
    `select (select count(*)::int from recsys.source_interactions where kind = 'comment') as comments,
       (select count(*)::int from comment where not removed and not deleted) as meant,
       (select count(*)::int from recsys.source_memberships) as memberships,
       (select count(*)::int from recsys.source_follows where kind = 'group' and target in (select unnest(tags) from recsys.source_posts)) as follows,
       (select count(*)::int from community_actions where followed_at is not null) as followed,
       (select count(*)::int from recsys.source_mutes where kind = 'topic' and value in (select unnest(tags) from recsys.source_posts)) as mutes,
       (select count(*)::int from community_actions where blocked_at is not null) as blocked`,
  );
  const { comments, meant, memberships, follows, followed, mutes, blocked } = rows[0];
  assert.deepEqual([comments, memberships, follows, mutes], [meant, 0, followed, blocked]);
  assert.ok(Math.min(comments, follows, mutes) > 0);
});

async function readAsMember(pool: Database["pool"], statement: string): Promise<unknown[]> {
  const client = await pool.connect();
  try {
    const claims = { sub: "00000000-0000-4000-8000-000000000001", role: "authenticated" } as const;
    return await readingAs(client, claims, async () => (await client.query(statement)).rows);
  } finally {
    client.release();
  }
}

/** Posts of people with a uuid each, with columns and rows of their own. */
const posts = (columns: string, values: string) => `
  create table profiles (id uuid primary key references auth.users, username text);
  insert into auth.users (id) values ('00000000-0000-4000-8000-000000000001');
  insert into profiles select id, 'one' from auth.users;
  create table posts (id uuid primary key default gen_random_uuid(), author_id uuid not null references profiles, title text not null, body text, ${columns}, created_at timestamptz not null default now());
  insert into posts (author_id, title, body, ${columns.replace(/(\w+) [^,]*(, |$)/g, "$1$2")}) select '00000000-0000-4000-8000-000000000001', 'Post ' || n, 'Long', ${values} from generate_series(1, 100) as n;`;

test("without row level security the draft has policies to try, as comments that hide what its view hides", {
  skip,
}, async () => {
  const { sql, pool } = await adoptTables(
    "policies",
    posts(
      "is_private boolean, deleted_at timestamptz, nsfw boolean",
      "n % 10 = 0, case when n % 7 = 0 then now() end, n % 4 = 0",
    ),
  );
  const secured = "select relrowsecurity as is_on from pg_class where oid = 'public.posts'::regclass";
  assert.deepEqual((await pool.query(secured)).rows, [{ is_on: false }], "the app goes on as it was");
  const [policy] = /^-- alter table public\.posts enable row level security;\n(?:.*\n)*?-- \);$/m.exec(sql) ?? [];
  assert.ok(policy, sql);
  assert.match(policy, /^-- {3}-- unsure: and posts\.nsfw is not true$/m);
  await pool.query("grant select on public.posts to authenticated");
  await pool.query(policy.replaceAll(/^-- /gm, ""));
  const counted = await readAsMember(pool, "select count(*)::int from public.posts");
  const { rows } = await pool.query("select count(*)::int from recsys.source_posts");
  assert.deepEqual(counted, rows);
  assert.deepEqual(rows, [{ count: 77 }]);
  const [, listing] = /^-- npx --no-install recsys compare .* --sql '(select .*)'$/m.exec(sql) ?? [];
  assert.equal((await pool.query(listing as string)).rowCount, 77);
});

test("flags: private rows are no posts, and an ambiguous flag is a doubt with its number of rows", {
  skip,
}, async () => {
  const { unsure, pool } = await adoptTables(
    "flags",
    posts(
      "is_private boolean, nsfw boolean, accepted boolean, status text",
      "n % 10 = 0, n % 4 = 0, n % 5 > 0, case when n % 2 = 0 then 'shelved' else 'ready' end",
    ),
  );
  const { rows } = await pool.query("select count(*)::int from recsys.source_posts");
  assert.deepEqual(rows, [{ count: 90 }]);
  has(unsure, /is_private: what is private is no post here, which hides 10 of 100 rows/);
  has(unsure, /nsfw hides nothing here: "and posts\.nsfw is not true" would hide 25 of 100 rows/);
  has(unsure, /accepted hides nothing here: "and posts\.accepted is true" would hide 20 of 100 rows/);
  has(unsure, /status: its visible values are not known.*: ready \(50\), shelved \(50\)/);
});

test("flags that a policy reads are left to it", { skip }, async () => {
  const { unsure } = await adoptTables(
    "flags_of_policies",
    `${posts("nsfw boolean", "n % 4 = 0")}
     alter table posts enable row level security;
     create policy "nothing for adults" on posts for select to authenticated using (not nsfw);`,
  );
  assert.ok(!unsure.some((line) => /nsfw/.test(line)));
});

test("makers: what moderators have not accepted is no post, an account in two tenants is one person", {
  skip,
}, async () => {
  const { unsure, coverage, pool } = await adopt("makers");
  const tagged = await pool.query(
    "select distinct tag from recsys.source_posts, unnest(tags) as tag except select name from tags order by tag",
  );
  assert.deepEqual(
    tagged.rows.map(({ tag }) => tag),
    ["articles", "guides", "projects", "questions"],
  );
  const untagged = await pool.query(
    "select from recsys.source_posts where external_id like 'projects/%' and cardinality(tags) < 2",
  );
  assert.equal(untagged.rowCount, 0);
  has(unsure, /tag_ids is taken for ids of public\.tags/);
  const posts = await pool.query("select count(*)::int, count(distinct post_id)::int as ids from recsys.source_posts");
  const meant = await pool.query(
    `select count(*)::int, count(*)::int as ids from (
       select moderation, deleted from projects where not is_draft union all select moderation, deleted from guides union all
       select moderation, deleted from questions union all select moderation, deleted from articles
     ) as content where moderation = 'accepted' and not deleted`,
  );
  assert.deepEqual(posts.rows, meant.rows);
  has(unsure, /moderation: .* only accepted is shown, which hides \d+ of \d+ rows/);
  has(
    unsure,
    /^posts: they are the rows of public\.projects, .*public\.guides: a tag such as projects names the table of a post/,
  );
  assert.ok(!unsure.some((line) => /what else could be posts/.test(line)));
  const { rows } = await pool.query(
    "select count(*)::int, count(distinct user_id)::int as people from recsys.source_users",
  );
  assert.equal(rows[0].count, rows[0].people);
  const several = await pool.query(
    "select count(*)::int from (select from recsys.source_memberships group by user_id having count(*) > 1) as each",
  );
  assert.ok(several.rows[0].count > 0);
  for (const table of ["customers", "map_pins", "messages", "reports"])
    assert.ok(!coverage.some((line) => new RegExp(`used .*${table}`).test(line)), table);
});
