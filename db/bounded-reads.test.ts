/**
 * Each read of docs/design/bounded-reads.md costs hardly more for a user with very many rows than for one with as
 * many as it reads.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { testDatabase, withoutPostgres } from "./testing.ts";

const skip = await withoutPostgres();
const { pool } = await testDatabase({ after }, "bounded");
const engine = "recsys_engine";
const request = `${engine}.feed_request($1, recsys.clock())`;

/** The statement that makes the read, for the person $1, under the name that the page gives it. */
const reads: Record<string, string> = {
  latest_interactions: `select ${engine}.latest_interactions($1, recsys.clock())`,
  user_history: `select * from ${engine}.user_history($1, recsys.clock())`,
  recent_interactions: `select ${engine}.recent_interactions($1, recsys.clock())`,
  followed_people: `select ${engine}.followed_people($1, recsys.clock())`,
  followed_topics: `select ${engine}.followed_topics($1, recsys.clock())`,
  mutes_only_request: `select ${engine}.mutes_only_request($1, recsys.clock())`,
  dismissed_posts: `select * from ${engine}.dismissed_posts($1, recsys.clock())`,
  seen_posts: `select ${engine}.seen_posts($1, recsys.clock())`,
  feed_preference: `select ${engine}.feed_preference($1)`,
  topic_preferences: `select ${engine}.topic_preferences($1, 'more')`,
  feed_request: `select ${request}`,
  with_affinities: `select ${engine}.with_affinities(${request})`,
  with_followee_engagements: `select ${engine}.with_followee_engagements(${request})`,
  count_new_posts: `select ${engine}.count_new_posts($1, recsys.clock() - interval '7 days')`,
  people_to_follow: `select * from ${engine}.people_to_follow($1, 10)`,
  topics_to_follow: `select * from ${engine}.topics_to_follow($1, 10, 'topic')`,
  idea_author: `select * from ${engine}.idea_author()`,
  user_context: `select * from ${engine}.user_context($1, null, recsys.clock())`,
};

/** How many rows of each kind a person has: `bound` as many as are read at most, `heavy` many more. */
const rows = {
  bound: {
    follows: 1_000,
    likes: 2_000,
    against: 5_000,
    comments: 50,
    mutes: 10_000,
    words: 100,
    seen: 5_000,
    posts: 100,
  },
  heavy: {
    follows: 20_000,
    likes: 10_000,
    against: 15_000,
    comments: 5_000,
    mutes: 30_000,
    words: 2_000,
    seen: 20_000,
    posts: 2_000,
  },
};

/** A community of 5,000 posts, the two, and one fan of each, who follows no other. */
async function fill(): Promise<void> {
  const client = await pool.connect();
  // neither queues nor limits of the app: rows that are there already are what counts
  await client.query(`
    set session_replication_role = replica;
    alter table public.mutes drop constraint mutes_kind_check;
    insert into public.profiles (id, created_at) select md5(name)::uuid, now() - interval '1 year' from unnest('{author,bound,heavy,fan of bound,fan of heavy}'::text[]) as name;
    insert into public.posts (id, author_id, title, tags, created_at)
    select md5('post ' || n)::uuid, md5('author')::uuid, 'post ' || n, array['topic ' || n], now() - interval '100 days' + n * interval '1 second' from generate_series(1, 5000) as n;
    insert into recsys_engine.post_tags (tag, created_at, post_id)
    select 'topic ' || n, now() - interval '100 days' + n * interval '1 second', md5('post ' || n)::uuid from generate_series(1, 5000) as n
    on conflict do nothing;
    insert into public.follows (user_id, kind, target) select md5('fan of ' || name)::uuid, 'person', md5(name)::uuid from unnest('{bound,heavy}'::text[]) as name`);
  for (const [name, count] of Object.entries(rows)) {
    const ids = `md5('${name}')::uuid as user_id`;
    const post = "md5('post ' || 1 + n % 5000)::uuid";
    // n seconds ago, the earliest first: as people write
    const series = (most: number) => `from generate_series(${most}, 1, -1) as n`;
    await client.query(`
      insert into public.follows (user_id, kind, target, created_at) select ${ids}, kind, case kind when 'person' then md5('person ' || n)::uuid::text else 'Topic ' || n end, now() - n * interval '1 second'
      ${series(count.follows)} cross join unnest('{person,topic,group}'::text[]) as kind;
      insert into public.post_votes (user_id, post_id, created_at) select ${ids}, ${post}, now() - n * interval '1 second' ${series(count.likes)};
      insert into public.post_votes (user_id, post_id, created_at, value) select ${ids}, ${post}, now() - n * interval '1 second' - interval '0.5 seconds', -1 ${series(count.against)};
      insert into public.comments (user_id, post_id, created_at) select ${ids}, ${post}, now() - n * interval '1 second' ${series(count.comments)};
      insert into public.mutes (user_id, kind, value) select ${ids}, 'person', md5('muted ' || n)::uuid::text ${series(count.mutes)} order by 3;
      insert into public.mutes (user_id, kind, value) select ${ids}, kind, 'muted ' || n ${series(count.words)} cross join unnest('{word,topic,contains,title_contains}'::text[]) as kind order by 2, 3;
      insert into public.preferences (user_id, kind, value) select ${ids}, kind, 'topic ' || n ${series(count.words)} cross join unnest('{more,less}'::text[]) as kind order by 2, 3;
      insert into recsys.impressions (request_id, user_id, post_id, position, score, source, shown_at, seen_at)
      select md5('${name}' || n)::uuid, ${ids}, ${post}, 1, 0, 'fresh', now() - n * interval '1 second', now() - n * interval '1 second' ${series(count.seen)};
      insert into public.posts (id, author_id, title, created_at) select md5('${name}''s ' || n)::uuid, ${ids}, 'mine ' || n, now() - n * interval '1 second' ${series(count.posts)}`);
  }
  await client.query("set session_replication_role = default");
  client.release();
  await pool.query("reindex schema public");
  await pool.query("vacuum analyze");
}
if (!skip) await fill();

/** Pages that a statement looks at for a person, under their own role, once its plans are made. */
async function pagesOf(name: string, statement: string): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const { rows: people } = await client.query("select md5($1)::uuid as id", [name]);
    const claims = JSON.stringify({ sub: people[0].id, role: "authenticated" });
    await client.query("select set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)", [
      claims,
    ]);
    const values = statement.includes("$1") ? [people[0].id] : [];
    await client.query(statement, values);
    const { rows: plans } = await client.query(`explain (analyze, buffers, format json) ${statement}`, values);
    const [{ Plan: plan }] = plans[0]["QUERY PLAN"];
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
  } finally {
    await client.query("rollback");
    client.release();
  }
}

for (const [name, statement] of Object.entries(reads)) {
  test(`${name} reads no more of who has more`, { skip }, async (t) => {
    // what others read of a person whom they follow is theirs to bound, too
    for (const relation of ["", "fan of "]) {
      const [honest, attack] = [
        await pagesOf(`${relation}bound`, statement),
        await pagesOf(`${relation}heavy`, statement),
      ];
      t.diagnostic(`${relation}bound: ${honest} pages, ${relation}heavy: ${attack}`);
      // an index of more rows may be a level or two deeper
      assert.ok(attack <= 1.5 * honest + 10, `${attack} pages instead of ${honest}`);
    }
  });
}

test("what is read is the latest", { skip }, async () => {
  const { rows: found } = await pool.query(
    `select
       (select followed_people from recsys_engine.followed_people(md5('heavy')::uuid, now())) = array(select md5('person ' || n)::uuid from generate_series(1, 1000) as n) as people,
       recsys_engine.followed_topics(md5('heavy')::uuid, now()) as topics,
       (select post_ids from recsys_engine.dismissed_posts(md5('heavy')::uuid, now())) = array(select md5('post ' || 1 + n % 5000)::uuid from generate_series(1, 5000) as n) as dismissed,
       (select array_agg(post_id) from unnest(recsys_engine.latest_interactions(md5('heavy')::uuid, now())))
         <@ array(select md5('post ' || 1 + n % 5000)::uuid from generate_series(1, 200) as n) as interactions,
       (select (recsys_engine.followed_people(follows.user_id, follows.created_at))[1] = md5('person 3600')::uuid
         from public.follows where user_id = md5('heavy')::uuid and kind = 'topic' and target = 'Topic 3600') as earlier`,
  );
  const topics = Array.from({ length: 10 }, (_, index) => `topic ${100 - index}`);
  assert.deepEqual(found, [{ people: true, topics, dismissed: true, interactions: true, earlier: true }]);
});

test("the page lists these reads, and no other", async () => {
  const page = await readFile(new URL("../docs/design/bounded-reads.md", import.meta.url), "utf8");
  const listed = [...page.matchAll(/^\|[^|]*\|([^|]*)\|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? ""),
  );
  assert.deepEqual([...new Set(listed)].sort(), Object.keys(reads).sort());
});
