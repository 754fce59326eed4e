/** "12 new posts": what a feed might show of what was written since it was made, counted and not ranked. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, publishTinyModel } from "../../../testing/community.ts";
import type { NewPosts } from "../_shared/recommend/request/count-new-posts.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "new_posts");
const app = testApp({ after }, url);

beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
});

const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();

async function counted(who: string | null, count_since: string, more: object = {}): Promise<[number, boolean]> {
  const request = { count_since, ...more };
  const { status, body } = await (who === null ? app.visit(request) : app.call(who, request));
  assert.equal(status, 200, JSON.stringify(body));
  const { new_posts, has_more } = body as unknown as NewPosts;
  return [new_posts, has_more];
}

test("since a feed was made: readable, of others, not muted, dismissed or interacted with", async () => {
  // the private post was written this moment, and post n n hours ago
  assert.deepEqual(await counted(people.ben, ago(5.5)), [5, false]);
  assert.deepEqual(await counted(null, ago(5.5)), [5, false]);
  assert.deepEqual(await counted(people.author, ago(5.5)), [0, false]);
  await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [people.ben, post(1)]);
  await pool.query("insert into recsys.dismissals values ($1, $2, now())", [people.ben, post(2)]);
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'word', 'Post 3')", [people.ben]);
  assert.deepEqual(await counted(people.ben, ago(5.5)), [2, false]);
  assert.deepEqual(await counted(people.eve, ago(5.5)), [5, false]);
  await pool.query("update public.posts set visibility = 'private' where id = $1", [post(4)]);
  assert.deepEqual(await counted(people.ben, ago(5.5)), [1, false], "a policy decides between two counts");
  await pool.query("update public.posts set tags = '{rail}' where id = $1", [post(5)]);
  assert.deepEqual(await counted(people.eve, ago(5.5), { filter: { tags: ["Rail"] } }), [1, false]);
  assert.deepEqual(await counted(people.ben, ago(-1)), [0, false]);
});

test("whose feed is made of whom they follow is told of these alone", async () => {
  await pool.query("insert into public.preferences (user_id, kind, value) values ($1, 'feed', 'following')", [
    people.ben,
  ]);
  assert.deepEqual(await counted(people.ben, ago(5.5)), [0, false]);
  await pool.query("update public.posts set tags = '{rail}' where id = any($1)", [[2, 4, 9].map(post)]);
  await pool.query("insert into public.follows (user_id, kind, target) values ($1, 'topic', 'rail')", [people.ben]);
  assert.deepEqual(await counted(people.ben, ago(5.5)), [2, false]);
  await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [people.ben, post(2)]);
  assert.deepEqual(await counted(people.ben, ago(5.5)), [1, false]);
});

test("what comes is counted by the next question, of the last seven days, and 99 at most", async () => {
  await publishTinyModel(pool, { name: "tiny" });
  const { body: feed } = await app.call(people.ben, { limit: 5 });
  assert.deepEqual(await counted(people.ben, feed.made_at), [0, false]);
  const write = (count: number, age: string) =>
    pool.query(
      // of one author more than twenty a day wait
      "insert into public.posts (title, created_at) select 'new ' || n, now() - $2::interval from generate_series(1, $1) as n",
      [count, age],
    );
  await write(99, "0");
  assert.deepEqual(await counted(people.ben, feed.made_at), [99, false]);
  await write(1, "0");
  assert.deepEqual(await counted(people.ben, feed.made_at), [99, true]);
  await pool.query("delete from public.posts where title like 'new %'");
  await write(3, "8 days");
  assert.deepEqual(await counted(people.ben, "0000-01-01T00:00:00Z"), [30, false]);
  const response = await app.request(`/recommend?count_since=${feed.made_at}`, {
    headers: { authorization: `Bearer ${people.ben}` },
  });
  assert.deepEqual(await response.json(), { new_posts: 0, has_more: false });
  await app.settled();
  const { rows } = await pool.query("select count(distinct request_id)::int as feeds from recsys.impressions");
  assert.equal(rows[0].feeds, 1, "nothing was shown");
});

test("what is no instant is refused", async () => {
  for (const count_since of ["", "yesterday", "2026-11-25", 5, {}, "9999-99-99T00:00:00Z"]) {
    const { status, body } = await app.call(people.ben, { count_since });
    assert.deepEqual([status, body.error?.code], [400, "invalid_count_since"], JSON.stringify(count_since));
  }
});
