/** In small, slow communities newcomers' posts are candidates at once, and the limits of a page keep none away: through the real function. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { eitherDatabase } from "../../../db/testing.ts";
import { clear, publishTinyModel, uuid } from "../../../testing/community.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await eitherDatabase({ after }, "small_communities");

const regulars = Array.from({ length: 5 }, (_, i) => uuid("a", i));
const authors = Array.from({ length: 40 }, (_, i) => uuid("b", i));
const posts = Array.from({ length: 40 }, (_, i) => uuid("c", i));
const reader = regulars[0];

/** Fills a community of five regulars; post i was written 3 · i days ago. `newcomer`: whether its author signed up on the same day and wrote nothing else. */
async function fill(newcomer: (post: number) => boolean): Promise<void> {
  await clear(pool);
  const authorOf = posts.map((_, i) => (newcomer(i) ? authors[i] : regulars[1 + (i % 4)]));
  await pool.query(
    "insert into public.profiles (id, created_at) select unnest($1::uuid[]), now() - interval '200 days'",
    [regulars],
  );
  await pool.query(
    `insert into public.profiles (id, created_at)
     select author, now() - make_interval(hours => 1 + 72 * i) from unnest($1::uuid[], $2::integer[]) as written (author, i)
     where author <> all ($3)`,
    [authorOf, [...posts.keys()], regulars],
  );
  await pool.query(
    `insert into public.posts (id, author_id, title, created_at)
     select id, author, 'Question ' || i, now() - make_interval(hours => 72 * i) from unnest($1::uuid[], $2::uuid[], $3::integer[]) as written (id, author, i)`,
    [posts, authorOf, [...posts.keys()]],
  );
  // all regulars but the reader viewed each older post a day after it was written; the three newest have no view
  await pool.query(
    `insert into public.post_views (user_id, post_id, created_at)
     select regular, posts.id, posts.created_at + interval '1 day' from public.posts, unnest($1::uuid[]) as regular
     where posts.author_id <> regular and posts.created_at < now() - interval '8 days'`,
    [regulars.slice(1)],
  );
  await pool.query("update recsys.settings set trial_place = 0, requests_per_minute = null");
  await pool.query("select recsys.roll_up()");
}

/** Ids of all pages of a feed, in order. */
async function feedOf(app: ReturnType<typeof testApp>): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const { status, body } = await app.call(reader, { limit: 20, ...(after && { after }) });
    assert.equal(status, 200);
    ids.push(...body.items.map(({ post_id }: { post_id: string }) => post_id));
    after = body.next;
  }
  return ids;
}

for (const [name, newcomer, rank] of [
  ["each author is new and asks once", () => true, 20],
  ["one post in thirty days is a newcomer's", (i: number) => i % 10 === 0, 40],
] as const)
  for (const model of [false, true])
    test(`where ${name}, their newest posts are in the feed, ${model ? "with" : "without"} a model`, async (t) => {
      await fill(newcomer);
      if (model) await publishTinyModel(pool, { name: "tiny" });
      const asked =
        "select recsys_engine.feed_candidates(jsonb_build_object('role', 'authenticated', 'user_id', $1::uuid)) -> 'posts' -> 'post_id' as ids";
      const candidates = (await pool.query(asked, [reader])).rows[0].ids as string[];
      const app = testApp(t, url);
      const feed = await feedOf(app);
      const newest = posts.filter((_, i) => i < 11 && newcomer(i));
      for (const id of newest) {
        assert.ok(candidates.includes(id), `${id} is a candidate`);
        assert.ok(feed.includes(id) && feed.indexOf(id) < rank, `${id} is at ${feed.indexOf(id)} of ${feed.length}`);
      }
      assert.deepEqual(app.logged, []);
    });

test("posts of a proven author beyond 20 on a day wait for good", async () => {
  await fill(() => false);
  const author = regulars[2];
  const written = Array.from({ length: 25 }, (_, i) => uuid("d", i));
  await pool.query(
    `insert into public.posts (id, author_id, title, created_at)
     select id, $2, 'Report ' || n, now() - interval '60 seconds' + n * interval '1 second' from unnest($1::uuid[]) with ordinality as written (id, n)`,
    [written, author],
  );
  await pool.query("select recsys.roll_up()");
  const proven = "select cardinality(user_ids) as readers from recsys_engine.author_readers where user_id = $1";
  assert.equal((await pool.query(proven, [author])).rows[0].readers, 3);
  const waiting = async () => {
    const { rows } = await pool.query("select post_id from recsys_engine.listed_posts where waits order by created_at");
    return rows.map(({ post_id }) => post_id);
  };
  const candidates = async () => {
    const asked =
      "select recsys_engine.feed_candidates(jsonb_build_object('role', 'authenticated', 'user_id', $1::uuid)) -> 'posts' -> 'post_id' as ids";
    return new Set((await pool.query(asked, [reader])).rows[0].ids as string[]);
  };
  const late = written.slice(20);
  assert.deepEqual(await waiting(), late);
  const before = await candidates();
  assert.deepEqual(
    written.map((id) => before.has(id)),
    written.map((_, i) => i < 20),
  );

  // days later, and listed again, as when an author has a new reader
  await pool.query("update recsys_engine.listed_posts set counted_on = counted_on - 3 where author_id = $1", [author]);
  await pool.query("select recsys_engine.list_posts_of(array[$1::uuid])", [author]);
  await pool.query("select recsys.roll_up()");
  assert.deepEqual(await waiting(), late);

  await pool.query("insert into public.post_views (user_id, post_id, created_at) values ($1, $2, now())", [
    regulars[3],
    late[0],
  ]);
  await pool.query("select recsys.roll_up()");
  const after = await candidates();
  assert.deepEqual(
    late.map((id) => after.has(id)),
    [true, false, false, false, false],
  );
});
