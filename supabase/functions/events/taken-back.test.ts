/** A dismissal is one, however often it is pressed, and can be taken back: by whose it is, and as if it had never been. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { onBoth, testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, publishTinyModel, uuid } from "../../../testing/community.ts";
import { testApp as feedApp } from "../recommend/testing.ts";
import { event, testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "events_taken_back");
beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
});

const dismiss = (n: number) => event("dismiss", { post_id: post(n) });
const takeBack = (n: number) => event("dismiss", { post_id: post(n), value: 0 });
const dismissed = async (user = people.ben) =>
  (
    await pool.query("select post_id from recsys.source_dismissals where user_id = $1 order by post_id", [user])
  ).rows.map(({ post_id }) => post_id);

onBoth("the last of a person's dismissals and takings back of a post counts", async (t, { pool, url }) => {
  await fillCommunity(pool);
  const app = testApp(t, url);
  const left = async () =>
    (await pool.query("select post_id from recsys.dismissals where user_id = $1", [people.ben])).rows.map(
      ({ post_id }) => post_id,
    );
  assert.deepEqual(await app.send(people.ben, dismiss(1), dismiss(2), dismiss(3)), Array(3).fill("stored"));
  const undo = takeBack(2);
  assert.deepEqual(await app.send(people.ben, undo), ["stored"]);
  assert.deepEqual((await left()).sort(), [post(1), post(3)]);
  assert.deepEqual(await app.send(people.ben, dismiss(2), takeBack(1), dismiss(1), dismiss(4), takeBack(4)), [
    ...Array(5).fill("stored"),
  ]);
  assert.deepEqual((await left()).sort(), [post(1), post(2), post(3)]);
  // sent again, as after an answer that was lost, it takes nothing back any more
  assert.deepEqual(await app.send(people.ben, undo), ["duplicate"]);
  assert.deepEqual((await left()).sort(), [post(1), post(2), post(3)]);
});

test("dismissed three times within a minute is dismissed once, since the first time", async (t) => {
  const app = testApp(t, url);
  const first = dismiss(1);
  const ago = (seconds: number) => new Date(Date.now() - 1000 * seconds).toISOString();
  assert.deepEqual(await app.send(people.ben, { ...first, occurred_at: ago(50) }), ["stored"]);
  const again = [first, dismiss(1), dismiss(1)];
  assert.deepEqual(await app.send(people.ben, ...again), ["duplicate", "stored", "stored"]);
  const { rows } = await pool.query(
    "select round(extract(epoch from now() - created_at) / 10)::int as tens from recsys.dismissals where user_id = $1",
    [people.ben],
  );
  assert.deepEqual(rows, [{ tens: 5 }]);
  assert.deepEqual(await app.send(people.ben, takeBack(1)), ["stored"]);
  assert.deepEqual(await dismissed(), []);
});

test("the post is in the next feed again, and the dismissal teaches nothing", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  const [feeds, app] = [feedApp(t, url), testApp(t, url)];
  const shown = async () => (await feeds.call(people.ben, { limit: 30 })).body.items.map(({ post_id }) => post_id);
  const labels = async () =>
    (await pool.query("select post_id from recsys_engine.optional_head_labels('-infinity', 'infinity')")).rowCount;
  const [first] = await shown();
  await feeds.settled();
  const about = { post_id: first };
  await app.send(people.ben, event("dismiss", about));
  assert.deepEqual([(await shown()).includes(first), await labels()], [false, 1]);
  await app.send(people.ben, event("dismiss", { ...about, value: 0 }));
  assert.deepEqual([(await shown()).includes(first), await labels()], [true, 0]);
});

test("nobody takes back what another dismissed, nor a vote against a post", async (t) => {
  const app = testApp(t, url);
  await app.send(people.ben, dismiss(1), event("vote", { post_id: post(2), value: -1 }));
  assert.deepEqual(await app.send(people.eve, takeBack(1)), ["stored"]);
  assert.deepEqual(await app.send(people.ben, takeBack(2)), ["stored"]);
  assert.deepEqual(await dismissed(), [post(1), post(2)]);
});

test("it can be taken back from a post that has been hidden since, or is gone", async (t) => {
  const app = testApp(t, url);
  await app.send(people.ben, dismiss(1), dismiss(2));
  await pool.query("update public.posts set visibility = 'private' where id = $1", [post(1)]);
  assert.deepEqual(await app.send(people.ben, takeBack(1), takeBack(2), takeBack(99)), Array(3).fill("stored"));
  assert.deepEqual(await dismissed(), []);
});

test("other values of a dismissal are refused alone", async (t) => {
  const values = [1, -1, 0.5, "0", true];
  const events = values.map((value) => event("dismiss", { post_id: post(1), value }));
  assert.deepEqual(await testApp(t, url).send(people.ben, ...events), Array(values.length).fill("invalid_value"));
});

test("under row level security people delete their own dismissals alone", async () => {
  await pool.query("insert into recsys.dismissals values ($1, $3, now()), ($2, $3, now())", [
    people.ben,
    people.eve,
    uuid("b", 1),
  ]);
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)", [
      JSON.stringify({ sub: people.ben, role: "authenticated" }),
    ]);
    const { rowCount } = await client.query("delete from recsys.dismissals");
    assert.equal(rowCount, 1);
  } finally {
    await client.query("rollback");
    client.release();
  }
});
