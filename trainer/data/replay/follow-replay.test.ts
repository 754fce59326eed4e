/** Who follows whom, as training reads it: from when on, and what they may read of each other. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { fillCommunity, people, post, uuid } from "../../../testing/community.ts";
import { communityFromDatabase } from "./from-database.ts";
import { CommunityState } from "./state.ts";

const { pool } = await testDatabase({ after }, "follows");
const database = { pool } as Awaited<ReturnType<typeof testDatabase>>;
const started = Date.now();
const hoursAgo = (hours: number) => new Date(started - hours * 3_600_000);

before(async () => {
  await fillCommunity(pool);
  // an adopter's view may hold what the example app's table refuses: duplicates, oneself, unknown people, and
  // invalid ids
  await pool.query("create table followed (user_id uuid, kind text, target text, created_at timestamptz)");
  await pool.query("grant select on followed to authenticated, service_role");
  await pool.query(
    "create or replace view recsys.source_follows with (security_invoker = true) as select * from followed",
  );
  await pool.query(
    `insert into followed values ($1, 'person', $2, $5), ($1, 'person', $2, $5), ($1, 'person', upper($3), null), ($1, 'person', $1, null),
       ($1, 'person', 'nobody', null), ($1, 'person', $4, null), ($1, 'topic', 'chess', null), ($1, 'friend', $6, null)`,
    [people.eve, people.ada, people.ben, uuid("f", 1), hoursAgo(3), people.author],
  );
  for (const table of ["post_views", "post_votes", "comments"])
    await pool.query(`insert into public.${table} (user_id, post_id, created_at) values ($1, $2, $3)`, [
      people.ben,
      post(7),
      hoursAgo(6),
    ]);
  await pool.query("select recsys.roll_up()");
});

test("whoever is followed twice is followed once; oneself, strangers and what is no id are nobody", async () => {
  const { community } = await communityFromDatabase(database);
  const name = (user: number) => community.users.ids[user];
  const { users, people: followed, at } = community.follows ?? assert.fail("somebody follows somebody");
  assert.deepEqual(
    Array.from(users, (user, i) => [name(user), name(followed[i]), at[i]]),
    [
      [people.eve, people.ben, Number.NEGATIVE_INFINITY],
      [people.eve, people.ada, Number(hoursAgo(3))],
    ],
  );
});

test("what training counts of the followed is what the app's policies let their followers read", async () => {
  const readable = async () =>
    (await pool.query("select recsys_engine.kinds_read_of_followed() as kinds")).rows[0].kinds;
  assert.deepEqual(await readable(), ["comment"]);
  assert.deepEqual((await communityFromDatabase(database)).community.readable, [2]);
  await pool.query("create policy open on public.post_votes for select to authenticated using (true)");
  assert.deepEqual(await readable(), ["comment", "vote"]);
  await pool.query("drop policy open on public.post_votes");
});

test("a follow of tomorrow is none today", async () => {
  const { community, timeline } = await communityFromDatabase(database);
  community.readable = undefined;
  const vectors = new Float32Array(community.posts.ids.length * dimensions);
  const eve = community.users.ids.indexOf(people.eve);
  const touchesAt = (hours: number) => {
    const state = new CommunityState(community, timeline);
    const now = Number(hoursAgo(hours));
    state.advance(timeline.at.subarray(0, timeline.length).filter((at) => at <= now).length, now);
    const found = state.candidates(eve, now, new Float32Array(dimensions), vectors);
    return Object.fromEntries(
      found.filter(({ touches }) => touches > 0).map(({ post, touches }) => [community.posts.ids[post], touches]),
    );
  };
  assert.deepEqual(touchesAt(5.5), { [post(7)]: 1 }, "ben's, whom she always followed");
  assert.deepEqual(touchesAt(3.5), { [post(7)]: 1 }, "ada voted, and is not followed yet");
  assert.deepEqual(touchesAt(2.5), { [post(7)]: 1, [post(28)]: 1, [post(30)]: 1 });
});

test("who is shown as new did nothing, and follows whom they do or nobody", async () => {
  await pool.query("insert into followed values ($1, 'person', $2, null)", [people.ben, people.ada]);
  const { community, timeline } = await communityFromDatabase(database);
  community.readable = undefined;
  const now = Date.now();
  const state = new CommunityState(community, timeline);
  state.advance(timeline.length, now);
  const vectors = new Float32Array(community.posts.ids.length * dimensions);
  const ben = community.users.ids.indexOf(people.ben);
  const knownOf = (options: { acts?: number; followsNobody?: boolean }) => {
    const found = state.candidates(ben, now, new Float32Array(dimensions), vectors, options);
    return {
      touched: found.some(({ touches }) => touches > 0),
      habit: found.some(({ author_affinity }) => author_affinity > 0),
    };
  };
  assert.deepEqual(knownOf({}), { touched: true, habit: true });
  assert.deepEqual(knownOf({ acts: 0 }), { touched: true, habit: false });
  assert.deepEqual(knownOf({ acts: 0, followsNobody: true }), { touched: false, habit: false });
});
