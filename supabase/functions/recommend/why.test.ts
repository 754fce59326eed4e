/**
 * The reasons for a post: from the caller's own history and the post, never from others' actions that the caller may
 * not read.
 */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, privatePost, publishTinyModel, uuid } from "../../../testing/community.ts";
import { runBatch } from "../../../trainer/batch/run-batch.ts";
import { words } from "../_shared/features/words.ts";
import type { Feed, FeedItem } from "../_shared/recommend/request/feed-schema.ts";
import { testApp } from "./testing.ts";

const database = await testDatabase({ after }, "why");
const { pool, url } = database;
const app = testApp({ after }, url);
beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
});

const feedOf = async (user: string, more = {}) => (await app.call(user, { limit: 100, ...more })).body;
const kinds = ({ items }: Feed) => new Set(items.map(({ why }) => why.kind));
const isEven = ({ post_id }: FeedItem) => Number(post_id.slice(-2)) % 2 === 0;

test("a post like one of the history names that one, of equals the latest", async () => {
  await publishTinyModel(pool, { name: "tiny" });
  const { items } = await feedOf(people.ada);
  // ada voted for 28, then for 30; odd posts are like neither, but their author is the one she interacted with
  for (const item of items)
    assert.deepEqual(
      item.why,
      isEven(item)
        ? { kind: "like_your_history", post_id: post(30), title: "Post 30" }
        : { kind: "followed_author", author_id: people.author },
    );
});

test("a post that the caller may not read any more is not named", async () => {
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update public.posts set visibility = 'private', title = 'Withdrawn' where id = $1", [post(30)]);
  const { items } = await feedOf(people.ada);
  for (const item of items.filter(isEven))
    assert.deepEqual(item.why, { kind: "like_your_history", post_id: post(28), title: "Post 28" });
  await pool.query("delete from public.posts where id = $1", [post(28)]);
  const feed = await feedOf(people.ada);
  assert.ok(!kinds(feed).has("like_your_history"));
  assert.doesNotMatch(JSON.stringify(feed), /Withdrawn|Post 28|Post 30/);
});

test("a reader's own posts are not named as their interactions", async () => {
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update public.posts set author_id = $1 where id = $2", [people.ben, post(2)]);
  const feed = await feedOf(people.ben);
  assert.equal(feed.basis, "history");
  assert.ok(!kinds(feed).has("like_your_history"));
});

test("words of the caller's history are named, the rarest first, without common ones", async () => {
  await pool.query("update public.posts set title = 'The Züricher tram depot', author_id = null where id = $1", [
    post(30),
  ]);
  await pool.query(
    "update public.posts set title = 'Post about a Zuricher depot', tags = '{tram}', author_id = $2 where id = $1",
    [post(7), people.eve],
  );
  await pool.query("update public.posts set tags = '{tram}', author_id = null where id = any($1)", [
    [post(9), post(11)],
  ]);
  await pool.query("update public.posts set author_id = null where id = $1", [post(28)]);
  await publishTinyModel(pool, { name: "tiny" });
  const { items } = await feedOf(people.ada);
  const [seventh] = items.filter(({ post_id }) => post_id === post(7));
  assert.deepEqual(seventh.why, { kind: "shared_terms", terms: ["zuricher", "depot"] });
});

test("who has done nothing is told what brings the post", async () => {
  await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [people.ada, post(20)]);
  await pool.query("select recsys.roll_up()");
  const feed = await feedOf(people.eve);
  for (const { source, why } of feed.items) assert.deepEqual(why, { kind: source });
  assert.deepEqual([...kinds(feed)].sort(), ["fresh", "trending"]);
});

test("a place for exploration says so", async () => {
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update recsys.settings set trial_place = 10");
  const { items } = await feedOf(people.ada, { limit: 20 });
  const explored = items.filter(({ why }) => why.kind === "exploration");
  assert.deepEqual(
    explored.map(({ position }) => position),
    [10],
  );
  await app.settled();
  const { rows } = await pool.query("select post_id from recsys.impressions where explored order by position");
  assert.deepEqual(
    rows.map(({ post_id }) => post_id),
    explored.map(({ post_id }) => post_id),
  );
});

test("a list made ahead tells what its source tells", async () => {
  await publishTinyModel(pool, { name: "tiny" });
  await runBatch({ database, onProgress: () => {}, signal: new AbortController().signal });
  const { mode, items } = await feedOf(people.ada, { mode: "batch" });
  assert.equal(mode, "batch");
  for (const { source, why } of items)
    assert.deepEqual(
      why,
      source === "followed" ? { kind: "followed_author", author_id: people.author } : { kind: source },
    );
});

test("of whom somebody follows it is told that they do, live and in a list made ahead; as soon as they unfollow it is not", async () => {
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("insert into public.follows (user_id, kind, target) values ($1, 'person', $2)", [
    people.ben,
    people.author,
  ]);
  await runBatch({ database, onProgress: () => {}, signal: new AbortController().signal });
  for (const mode of ["live", "batch"]) {
    const { items } = await feedOf(people.ben, { mode });
    assert.ok(items.length > 20);
    for (const { why } of items) assert.deepEqual(why, { kind: "follows_author", author_id: people.author });
  }
  assert.ok(!kinds(await feedOf(people.eve)).has("follows_author"));
  await pool.query("delete from public.follows");
  for (const mode of ["live", "batch"]) assert.ok(!kinds(await feedOf(people.ben, { mode })).has("follows_author"));
});

test("of a topic that somebody follows it is told that they do, as the post spells it; as soon as they unfollow it is not", async () => {
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update public.posts set tags = '{Chess}' where id = $1", [post(7)]);
  await pool.query("insert into public.follows (user_id, kind, target) values ($1, 'topic', 'cHESS')", [people.ben]);
  await runBatch({ database, onProgress: () => {}, signal: new AbortController().signal });
  const topical = async (user: string, mode: string) =>
    (await feedOf(user, { mode })).items.filter(({ why }) => why.kind === "follows_topic");
  for (const mode of ["live", "batch"]) {
    const items = await topical(people.ben, mode);
    assert.deepEqual(
      items.map(({ post_id, why }) => [post_id, why]),
      [[post(7), { kind: "follows_topic", topic: "Chess" }]],
    );
    assert.deepEqual(await topical(people.eve, mode), []);
  }
  await pool.query("delete from public.follows");
  for (const mode of ["live", "batch"]) assert.deepEqual(await topical(people.ben, mode), []);
});

test("interactions of followed users are named for posts that the reader may read", async () => {
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("insert into public.follows (user_id, kind, target) values ($1, 'person', $2)", [
    people.eve,
    people.ben,
  ]);
  // comments are readable with their post, votes only by their owner
  await pool.query("insert into public.comments (user_id, post_id) select $1, unnest($2::uuid[])", [
    people.ben,
    [post(8), privatePost],
  ]);
  await pool.query("insert into public.post_votes (user_id, post_id) values ($1, $2)", [people.ben, post(10)]);
  for (const more of [{}, { filter: { max_age_days: 100 } }]) {
    const { items } = await feedOf(people.eve, more);
    assert.deepEqual(
      items.filter(({ source }) => source === "touched").map(({ post_id, why }) => [post_id, why]),
      [[post(8), { kind: "touched", people: [people.ben] }]],
    );
  }
});

test("of those whom somebody follows the two are named who came last, and nobody who is muted or whose act or profile is hidden", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  const [kim, lee] = [uuid("a", 5), uuid("a", 6)];
  await pool.query("insert into public.profiles (id) values ($1), ($2)", [kim, lee]);
  const came = [lee, people.ada, people.ben, kim];
  await pool.query("insert into public.follows (user_id, kind, target) select $1, 'person', unnest($2::text[])", [
    people.eve,
    came,
  ]);
  await pool.query(
    `insert into public.comments (user_id, post_id, created_at)
     select came.id, $2, now() - came.place * interval '10 minutes' from unnest($1::uuid[]) with ordinality as came (id, place)`,
    [came, post(8)],
  );
  // once more, and earlier: everybody is named once
  await pool.query(
    "insert into public.comments (user_id, post_id, created_at) values ($1, $2, now() - '1 day'::interval)",
    [lee, post(8)],
  );
  const assertNamed = async (...expected: string[]) => {
    for (const more of [{}, { filter: { max_age_days: 100 } }]) {
      const { items } = await feedOf(people.eve, more);
      const [item] = items.filter(({ post_id }) => post_id === post(8));
      assert.deepEqual(item.why, { kind: "touched", people: expected }, JSON.stringify(more));
      const said = JSON.stringify(items);
      for (const id of came) assert.equal(said.includes(id), expected.includes(id));
    }
  };
  const hide = async (table: string, column: string, id: string) => {
    await pool.query(
      `create policy hidden on public.${table} as restrictive for select to authenticated using (${column} <> '${id}')`,
    );
    t.after(() => pool.query(`drop policy hidden on public.${table}`));
  };
  await assertNamed(lee, people.ada);
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'person', $2)", [people.eve, lee]);
  await assertNamed(people.ada, people.ben);
  await hide("profiles", "id", people.ada);
  await assertNamed(people.ben, kim);
  await hide("comments", "user_id", people.ben);
  await assertNamed(kim);
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'person', $2)", [people.eve, kim]);
  await assertNamed();
});

test("a feed of whom nothing is known but whom they follow says so, live and made ahead", async () => {
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("insert into public.follows (user_id, kind, target) values ($1, 'person', $2)", [
    people.eve,
    people.author,
  ]);
  // lists are made for who was there lately
  await pool.query("insert into public.logins (user_id) values ($1)", [people.eve]);
  await pool.query("select recsys.roll_up()");
  await runBatch({ database, onProgress: () => {}, signal: new AbortController().signal });
  for (const mode of ["live", "batch"]) {
    const feed = await feedOf(people.eve, { mode });
    assert.deepEqual([feed.mode, feed.basis], [mode, "followees"]);
  }
  assert.equal((await feedOf(people.ben)).basis, "profile");
  // whom she follows is gone from the next feed's basis with the follow
  await pool.query("delete from public.follows");
  assert.equal((await feedOf(people.eve)).basis, "community");
});

test("nothing of what others did or may read is in it", async () => {
  await publishTinyModel(pool, { name: "tiny" });
  // ben interacts with everything, also to a post that ada may not read
  await pool.query("update public.posts set author_id = $2, title = 'Divorce lawyer wanted' where id = $1", [
    privatePost,
    people.ben,
  ]);
  await pool.query("update public.posts set title = title || ' divorce lawyer' where id = $1", [post(3)]);
  await pool.query("insert into public.post_votes (user_id, post_id) select $1, unnest($2::uuid[])", [
    people.ben,
    [post(1), post(2), post(3), privatePost],
  ]);
  await pool.query("insert into public.comments (user_id, post_id, body) values ($1, $2, 'my secret')", [
    people.ben,
    post(4),
  ]);
  await pool.query("select recsys.roll_up()");
  const own = new Map(
    (
      await pool.query(
        `select posts.id, posts.title from public.post_votes join public.posts on posts.id = post_votes.post_id where post_votes.user_id = $1`,
        [people.ada],
      )
    ).rows.map(({ id, title }) => [id, title]),
  );
  const ownWords = new Set([...own.values()].flatMap(words));
  for (const mode of ["live", "batch"]) {
    const { items } = await feedOf(people.ada, { mode });
    assert.ok(items.length > 20);
    for (const { why, title } of items) {
      if (why.kind === "like_your_history") assert.equal(own.get(why.post_id), why.title);
      else if (why.kind === "shared_terms")
        assert.ok(
          why.terms.every((term) => ownWords.has(term) && words(title).includes(term)),
          why.terms.join(),
        );
      else if (why.kind === "followed_author") assert.equal(why.author_id, people.author);
      else assert.deepEqual(Object.keys(why), ["kind"]);
      assert.ok(!JSON.stringify(why).includes(people.ben));
    }
    // the reason of a trend names no person
    assert.doesNotMatch(JSON.stringify(items), /Divorce|secret/);
  }
});
