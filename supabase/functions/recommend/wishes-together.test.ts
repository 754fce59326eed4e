/** Promotions, conversations, reposts and the count of new posts where two of them meet: what leaks.test.ts found under random policies, or reading the code did, each as small as it can be. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, publishTinyModel, uuid } from "../../../testing/community.ts";
import { emptyRanks } from "../_shared/features/retrieval.ts";
import type { NewPosts } from "../_shared/recommend/request/count-new-posts.ts";
import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import { createDuplicateIndex, createTitleMatcher } from "../_shared/recommend/selection/duplicates.ts";
import { selectPage } from "../_shared/recommend/selection/select-page.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "wishes_together");
const { ada, ben, eve, author } = people;

beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("delete from recsys.promotions");
  await pool.query("update recsys.settings set requests_per_minute = null, group_by = 'language', group_floor = 0");
});

const pin = (n: number, place: number) =>
  pool.query(
    "insert into recsys.promotions (name, post_id, place, starts_at, ends_at) values ('Pinned', $1, $2, now() - interval '1 minute', 'infinity')",
    [post(n), place],
  );
const title = (text: string, ...numbers: number[]) =>
  pool.query("update public.posts set title = $1 where id = any ($2)", [text, numbers.map(post)]);
const view = (userId: string, ...numbers: number[]) =>
  pool.query("insert into public.post_views (user_id, post_id) select $1, unnest($2::uuid[])", [
    userId,
    numbers.map(post),
  ]);
const hideReposts = (userId: string) =>
  pool.query("insert into public.preferences (user_id, kind, value) values ($1, 'hide', 'reposts')", [userId]);
const numbers = ({ items }: Feed) => items.map(({ post_id }) => Number(post_id.slice(-12)));
/** With what is folded. */
const told = ({ items }: Feed) => items.length + items.reduce((sum, { folded = 0 }) => sum + folded, 0);

type Scope = Parameters<typeof testApp>[0];
async function feedOf(t: Scope, who: string, request: object): Promise<Feed> {
  const { status, body } = await testApp(t, url).call(who, request);
  assert.deepEqual([status, body.degraded], [200, null]);
  return body;
}
async function countOf(t: Scope, who: string): Promise<number> {
  const count_since = new Date(Date.now() - 5.5 * 3_600_000).toISOString();
  const { body } = await testApp(t, url).call(who, { count_since });
  return (body as unknown as NewPosts).new_posts;
}

test("a pin is no repost to whom wants none", async (t) => {
  await title("How to begin", 7, 20);
  await view(ben, 7);
  await hideReposts(ben);
  await pin(20, 1);
  assert.ok(!numbers(await feedOf(t, ben, { limit: 30 })).includes(20));
});

test("nor does the floor of small groups bring one", async (t) => {
  await pool.query(
    `insert into public.profiles (id, created_at) select md5('author ' || n)::uuid, now() - interval '90 days' from generate_series(1, 20) as n;
     insert into public.posts (author_id, title, language, created_at) select md5('author ' || n)::uuid, 'English', 'en', now() - interval '2 days' from generate_series(1, 20) as n;
     update public.posts set language = 'eu', author_id = '${eve}' where id = '${post(20)}';
     update recsys.settings set group_floor = 5`,
  );
  await title("How to begin", 7, 20);
  await view(ben, 7);
  await hideReposts(ben);
  assert.ok(!numbers(await feedOf(t, ben, { limit: 100 })).includes(20));
});

test("two pins of one conversation count it once", async (t) => {
  await title("How to begin", 20, 21);
  await pin(20, 1);
  await pin(21, 2);
  assert.equal(told(await feedOf(t, ben, { limit: 30 })), 30);
});

test("two pins of one conversation by different authors are one, whichever was pinned first", async (t) => {
  await title("How to begin", 20, 5);
  await pool.query("update public.posts set author_id = $1 where id = $2", [eve, post(5)]);
  for (const [first, second] of [
    [20, 5],
    [5, 20],
  ]) {
    await pool.query("delete from recsys.promotions");
    await pin(first, 1);
    await pin(second, 2);
    const { items } = await feedOf(t, ben, { limit: 30 });
    assert.equal(items.filter(({ promoted }) => promoted).length, 1);
  }
});

test("a number of days is whole", async () => {
  for (const column of ["people", "filter"]) {
    const value = column === "people" ? '{"signed_up_days": 7.0}' : '{"max_age_days": 7.0}';
    const which = column === "people" ? `post_id, people` : "filter";
    const values = column === "people" ? `'${post(1)}', '${value}'` : `'${value}'`;
    await assert.rejects(
      pool.query(
        `insert into recsys.promotions (name, ${which}, place, ends_at) values ('x', ${values}, 1, 'infinity')`,
      ),
      { code: "22023" },
    );
  }
});

test("what is pinned is not counted as folded into another, too", async (t) => {
  await title("How to begin", 20, 5);
  // newer, and another author's: the pin takes nothing from the older
  await pool.query("update public.posts set author_id = $1 where id = $2", [eve, post(5)]);
  await pin(5, 1);
  // without her two votes
  assert.equal(told(await feedOf(t, ada, { limit: 30 })), 28);
});

test("of two pins of one title the nearer has its post, whichever is newer", async (t) => {
  await title("How to begin", 20, 5);
  await pool.query("update public.posts set author_id = $1 where id = $2", [eve, post(5)]);
  await pin(20, 1);
  await pin(5, 40);
  const { items } = await feedOf(t, ben, { limit: 5 });
  assert.deepEqual([Number(items[0].post_id.slice(-12)), items[0].folded], [20, 1]);
});

test("what is one conversation with what was dismissed leaves with it", async (t) => {
  await title("How to begin", 9, 20);
  await pool.query("update public.posts set description = 'https://a.example/menu' where id = any ($1)", [
    [9, 21].map(post),
  ]);
  const shown = async () => numbers(await feedOf(t, ben, { limit: 30 })).filter((n) => [9, 20, 21].includes(n));
  assert.equal((await shown()).length, 1);
  const dismiss = (days: number) =>
    pool.query("insert into recsys.dismissals values ($1, $2, now() - $3 * interval '1 day')", [ben, post(9), days]);
  await dismiss(1);
  assert.deepEqual(await shown(), []);
  await pool.query("delete from recsys.dismissals");
  await dismiss(15);
  assert.deepEqual((await shown()).sort(), [20, 21], "for 14 days");
  await pool.query("delete from recsys.dismissals");
});

test("a null among the tags of what was dismissed, which another app's view may show, stops no feed", async (t) => {
  const { rows } = await pool.query("select pg_get_viewdef('recsys.source_posts'::regclass) as was");
  const view = "create or replace view recsys.source_posts with (security_invoker = true) as";
  t.after(() => pool.query(`${view} ${rows[0].was}`));
  await pool.query(`${view} select post_id, external_id, author_id, title, description, array_append(tags, null) as tags, created_at, language
    from (${rows[0].was.replace(/;\s*$/, "")}) as posts`);
  await pool.query("insert into recsys.dismissals values ($1, $2, now())", [ben, post(9)]);
  assert.ok(!numbers(await feedOf(t, ben, { limit: 30 })).includes(9));
  await pool.query("delete from recsys.dismissals");
});

test("a page is full where one of its posts is pinned to a later page", async (t) => {
  await pin(1, 8);
  assert.deepEqual(numbers(await feedOf(t, ben, { limit: 5 })), [3, 5, 7, 9, 11]);
});

test("a pin to a later page does not take the only place of this one", async (t) => {
  await pin(1, 8);
  assert.deepEqual(numbers(await feedOf(t, ben, { limit: 1 })), [3]);
});

test("of a filter that has a place, what was seen comes at that place or not at all", async (t) => {
  await pool.query("update public.posts set tags = '{rail}' where id = any ($1)", [[post(7), post(9)]]);
  await pool.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at, seen_at)
     select gen_random_uuid(), $1, unnest($2::uuid[]), 1, now() - interval '1 hour', now() - interval '1 hour'`,
    [ben, [post(7), post(9)]],
  );
  assert.ok(!numbers(await feedOf(t, ben, { limit: 30 })).some((n) => n === 7 || n === 9));
  await pool.query(
    `insert into recsys.promotions (name, filter, place, starts_at, ends_at) values ('Trains', '{"tags": ["rail"], "author_ids": ["${people.author}"]}', 1, now() - interval '1 minute', 'infinity')`,
  );
  const shown = numbers(await feedOf(t, ben, { limit: 30 }));
  assert.deepEqual([shown[0], shown.includes(9)], [7, false]);
});

test("a page is full however many are folded, where more are left", () => {
  const posts = Array.from({ length: 300 }, (_, i) => ({
    score: 1 / (i + 1),
    post: {
      ...{
        post_id: uuid("b", i),
        title: i < 60 ? "How to begin" : `Post ${i}`,
        author_id: uuid("a", i),
        created_at: 0,
      },
      embedding: null,
      ranks: { ...emptyRanks(), active: i },
    },
  }));
  const page = selectPage(posts, 100, { diversity: 0, author_decay: 1, topic_share: 1, group_share: 1 });
  assert.equal(page.length, 100);
});

test("what shares a link with what was seen is a repost, pinned or not, as long as that may be read", async (t) => {
  const link = "update public.posts set description = 'https://a.example/menu' where id = any ($1)";
  await pool.query(link, [[7, 9, 20].map(post)]);
  await view(ben, 7);
  await hideReposts(ben);
  await pin(9, 1);
  const shown = async () => numbers(await feedOf(t, ben, { limit: 30 })).filter((n) => [9, 20].includes(n));
  assert.deepEqual(await shown(), []);
  await pool.query("update public.posts set visibility = 'private' where id = $1", [post(7)]);
  assert.deepEqual(await shown(), [9]);
});

test("titles of two words without a space between them are the same for all", async (t) => {
  // as one conversation they come once
  await title("東京へ行く、いつか", 8, 20);
  await title("Follow-up", 9, 21);
  await view(ben, 8, 9);
  await hideReposts(ben);
  assert.deepEqual(
    numbers(await feedOf(t, ben, { limit: 30 })).filter((n) => [20, 21].includes(n)),
    [],
  );
});

test("of two seen titles with the same letters each is known", () => {
  const isRepost = createTitleMatcher(["Now here", "No where"]);
  assert.deepEqual([isRepost("no where!"), isRepost("now here!")], [true, true]);
});

test("signs make no difference, whatever the language", () => {
  for (const [a, b] of [
    ["¿Dónde comer en Lisboa?", "Dónde comer en Lisboa"],
    ["« Où manger » à Lisbonne", "Où manger à Lisbonne"],
    ["「東京」へ行く", "東京 へ行く"],
    ["ΣΟΦΙΑΣ λόγος", "σοφιας λόγος"],
    ["Area of 5 m²", "area of 5 m2"],
    ["¿Dónde comer?", "donde comer"],
  ]) {
    const [one, other] = [a, b].map((title) => ({ post: { title, author_id: author, created_at: 0 } }));
    assert.deepEqual([createDuplicateIndex([one, other])(one).length, createTitleMatcher([a])(b)], [1, true], a);
  }
});

test("other words are another title: of Hindi, of exponents, and a word of two Chinese letters says too little", () => {
  for (const [a, b] of [
    ["नमस्ते दुनिया", "नमस्त दुनिया"],
    ["Area 5 m²", "Area 5 m"],
    ["½ cup rice", "cup rice"],
    ["東京", "東京！"],
    ["𠮷𠮷", "𠮷𠮷！"],
    ["ab 𠮷", "AB 𠮷!"],
  ])
    assert.equal(createTitleMatcher([a])(b), false, a);
});

test("new posts that are withheld from strangers count for followers", async (t) => {
  await pool.query("insert into public.withheld (author_id, post_id) values ($1, $2)", [author, post(2)]);
  await pool.query("insert into public.follows (user_id, kind, target) values ($1, 'person', $2)", [ben, author]);
  assert.ok(numbers(await feedOf(t, ben, { limit: 30 })).includes(2));
  assert.equal(await countOf(t, ben), 5);
});

// what was seen is not read for a count
test("new posts that are reposts count, though whoever wants none is shown none", async (t) => {
  await title("How to begin", 7, 3);
  await view(ben, 7);
  await hideReposts(ben);
  assert.ok(!numbers(await feedOf(t, ben, { limit: 30 })).includes(3));
  assert.equal(await countOf(t, ben), 5);
});

test("of whom they follow, new posts count however many newer ones they interacted with", async (t) => {
  await pool.query("insert into public.preferences (user_id, kind, value) values ($1, 'feed', 'following')", [ben]);
  await pool.query("insert into public.follows (user_id, kind, target) values ($1, 'person', $2)", [ben, author]);
  await pool.query(
    "insert into public.posts (author_id, title, created_at) select $1, 'new ' || n, now() - n * interval '1 second' from generate_series(1, 100) as n",
    [author],
  );
  assert.equal(await countOf(t, ben), 99);
  await pool.query(
    "insert into public.post_views (user_id, post_id) select $1, id from public.posts where title ^@ 'new '",
    [ben],
  );
  assert.equal(await countOf(t, ben), 5);
});
