/** What readers decide about their feed: nothing of theirs is read, or the newest of whom they follow, or more and less of a topic. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, post, publishTinyModel } from "../../../testing/community.ts";
import { communityFromDatabase } from "../../../trainer/data/replay/from-database.ts";
import { testApp } from "./testing.ts";

const { ada, ben, eve, author } = people;
const database = await testDatabase({ after }, "preferences");
const { pool, url } = database;
await fillCommunity(pool);
await publishTinyModel(pool, { name: "tiny" });
const app = testApp({ after }, url);

const prefer = (kind: string, value: string) =>
  pool.query("insert into public.preferences (user_id, kind, value) values ($1, $2, $3)", [ada, kind, value]);
const takeBack = () => pool.query("delete from public.preferences");

async function feedOf(body: object = {}, user = ada) {
  const { status, body: feed } = await app.call(user, body);
  await app.settled();
  assert.equal(status, 200, JSON.stringify(feed));
  return feed;
}
const idsOf = ({ items }: { items: { post_id: string }[] }) => items.map(({ post_id }) => post_id);
const countOf = async (table: string) =>
  (await pool.query(`select count(*)::int from ${table} where user_id = $1`, [ada])).rows[0].count;

test("who wants no personalisation gets the same to the byte, whatever they do, follow and say", async () => {
  assert.equal((await feedOf({ limit: 5 })).basis, "history");
  const before = await countOf("recsys.impressions");
  await prefer("feed", "impersonal");
  const feed = await feedOf({ limit: 30, interests: ["chess"] });
  assert.deepEqual([feed.basis, feed.items.length], ["community", 30]);
  assert.ok(idsOf(feed).includes(post(28)), "what they voted for is there like anything else");
  const others = await app.visit({ limit: 30 });
  assert.deepEqual(feed.items, others.body.items, "and it is what a visitor gets");

  await pool.query(
    `insert into public.post_views (user_id, post_id, created_at) select $1, id, now() - interval '1 minute' from public.posts where title like 'Post 1%'`,
    [ada],
  );
  await pool.query("delete from public.post_votes where user_id = $1", [ada]);
  await pool.query(
    "insert into recsys.dismissals select $1, id, now() - interval '1 minute' from public.posts where title = 'Post 2'",
    [ada],
  );
  await pool.query("insert into public.follows (user_id, kind, target) values ($1, 'person', $2)", [ada, author]);
  await pool.query("update public.profiles set passions = '{gardens}', bio = 'other' where id = $1", [ada]);
  assert.equal(JSON.stringify((await feedOf({ limit: 30 })).items), JSON.stringify(feed.items));
  assert.equal((await feedOf({ mode: "batch" })).mode, "live");

  assert.equal(await countOf("recsys.impressions"), before, "nothing is kept of what they are shown");
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'word', 'Post 7')", [ada]);
  assert.ok(!idsOf(await feedOf({ limit: 30 })).includes(post(7)), "mutes hold");

  await takeBack();
  const again = await feedOf({ limit: 30 });
  assert.equal(again.basis, "history", "all of it counts again at once");
  assert.ok(!idsOf(again).includes(post(2)));
  await pool.query("delete from public.mutes");
});

test("training has no row of theirs, and no vector is kept", async () => {
  await pool.query("select recsys.roll_up()");
  await pool.query("insert into public.post_votes (user_id, post_id) values ($1, $2)", [ben, post(3)]);
  await pool.query("select recsys.roll_up()");
  const rowsOf = async () => {
    const { community, timeline, pages } = await communityFromDatabase(database);
    const number = community.users.ids.indexOf(ada);
    return {
      events: timeline.users.slice(0, timeline.length).filter((user) => user === number).length,
      ofOthers: timeline.users.slice(0, timeline.length).filter((user) => user !== number).length,
      pages: pages.filter(({ user }) => user === number).length,
      follows: [...(community.follows?.users ?? [])].filter((user) => user === number).length,
      bio: community.users.bios[number],
    };
  };
  const known = await rowsOf();
  assert.ok(known.events > 0 && known.pages > 0 && known.follows > 0 && known.bio === "other");
  await prefer("feed", "impersonal");
  assert.deepEqual(await rowsOf(), { events: 0, ofOthers: known.ofOthers, pages: 0, follows: 0, bio: "" });
  await takeBack();
  assert.deepEqual(await rowsOf(), known);
});

test("a feed of follows is in order of time, with what was read before, page by page, until it ends", async () => {
  await pool.query("update public.posts set author_id = $1 where title in ('Post 4', 'Post 9')", [ben]);
  await pool.query("update public.posts set tags = '{Trains}' where title in ('Post 3', 'Post 6')");
  await pool.query("delete from public.follows");
  await pool.query(
    "insert into public.follows (user_id, kind, target) values ($1, 'person', $2), ($1, 'topic', 'trains')",
    [ada, ben],
  );
  await prefer("feed", "following");
  const feed = await feedOf({ limit: 2 });
  assert.deepEqual([feed.basis, feed.model, idsOf(feed)], ["follows", null, [post(3), post(4)]]);
  assert.deepEqual(
    feed.items.map(({ why }) => why),
    [
      { kind: "follows_topic", topic: "Trains" },
      { kind: "follows_author", author_id: ben },
    ],
  );
  await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2)", [ada, post(6)]);
  const next = await feedOf({ limit: 2, after: feed.next });
  assert.deepEqual([idsOf(next), next.next], [[post(6), post(9)], null]);
  await pool.query("insert into recsys.dismissals values ($1, $2, now())", [ada, post(4)]);
  assert.deepEqual(idsOf(await feedOf()), [post(3), post(6), post(9)]);
  assert.deepEqual(idsOf(await feedOf({ filter: { tags: ["trains"] } })), [post(3), post(6)]);
  await pool.query("delete from public.follows");
  assert.deepEqual((await feedOf()).items, [], "who follows nobody is shown nothing");
  await takeBack();
  await pool.query("delete from recsys.dismissals");
});

test("more and less of a topic move its posts at once", async (t) => {
  await pool.query(
    "update public.posts set tags = case when (regexp_match(title, '\\d+'))[1]::int % 5 = 0 then '{Five}' else '{}' end::text[] where title like 'Post%'",
  );
  const scores = async () => new Map((await feedOf({ limit: 30 })).items.map(({ post_id, score }) => [post_id, score]));
  const plain = await scores();
  const assertTimes = async (factor: number) => {
    const now = await scores();
    for (const [id, score] of plain) {
      const isIt = [5, 10, 15, 20, 25, 30].some((n) => post(n) === id);
      assert.ok(Math.abs((now.get(id) as number) / score - (isIt ? factor : 1)) < 1e-6, id);
    }
  };
  await prefer("less", "five");
  await assertTimes(1 / 4);
  await takeBack();
  await prefer("more", "FIVE");
  await assertTimes(4);
  assert.equal((await feedOf()).items[0].why.kind, "follows_topic");
  await t.test("where an app has both of one topic, neither holds, however it is written", async () => {
    await prefer("less", "five");
    await assertTimes(1);
    const topics = async (kind: string) =>
      (await pool.query("select recsys_engine.topic_preferences($1, $2) as topics", [ada, kind])).rows[0].topics;
    await prefer("less", "chess");
    await prefer("more", "gardens");
    assert.deepEqual([await topics("more"), await topics("less")], [["gardens"], ["chess"]]);
  });
  await takeBack();
  await assertTimes(1);
});

test("after a dismissal its author and tags come less at once, for two weeks and as long as its post may be read", async () => {
  await pool.query(
    `update public.posts set author_id = case when (regexp_match(title, '\\d+'))[1]::int % 3 = 0 then $1 else $2 end::uuid where title like 'Post%'`,
    [ben, author],
  );
  const scores = async () => new Map((await feedOf({ limit: 30 })).items.map(({ post_id, score }) => [post_id, score]));
  const plain = await scores();
  const assertTimes = async (what: string, factor: (n: number) => number) => {
    const now = await scores();
    for (let n = 1; n <= 30; n++) {
      const [before, after] = [plain.get(post(n)), now.get(post(n))];
      if (before && after)
        assert.ok(Math.abs(after / before - factor(n)) < 1e-4, `${what}: ${n}, ${after / before} and not ${factor(n)}`);
    }
  };
  const dismiss = (n: number, ago: string) =>
    pool.query("insert into recsys.dismissals values ($1, $2, now() - $3::interval)", [ada, post(n), ago]);
  // the root of that each day
  await dismiss(15, "2 days");
  const once = (n: number) => (n % 3 === 0 ? 0.2 ** 0.25 : 1) * (n % 5 === 0 ? 0.4 ** 0.25 : 1);
  await assertTimes("once", once);
  await dismiss(25, "1 day");
  const both = (n: number) => (n % 3 === 0 ? 0.2 ** 0.25 : 0.2 ** 0.5) * (n % 5 === 0 ? 0.4 ** 0.75 : 1);
  await assertTimes("twice, of both authors", both);
  await pool.query("update public.posts set visibility = 'private' where id = $1", [post(25)]);
  await assertTimes("private", once);
  await pool.query("delete from recsys.dismissals");
  for (const n of [5, 10, 20]) await dismiss(n, "1 second");
  await assertTimes("just now", (n) => (n % 3 === 0 ? 1 : 0.2) * (n % 5 === 0 ? 0.25 : 1));
  await pool.query("delete from recsys.dismissals");
  await dismiss(20, "15 days");
  await assertTimes("long ago", () => 1);
  await pool.query("delete from recsys.dismissals");
});

test("who wants no reposts gets nothing with the title of what they saw, as long as they may read it", async () => {
  const has = async (...numbers: number[]) => {
    const ids = idsOf(await feedOf({ limit: 50 }));
    return numbers.filter((n) => ids.includes(post(n)));
  };
  // one interacted with, one dismissed, and one whose title says too little
  await pool.query("insert into public.post_views (user_id, post_id) values ($1, $2), ($1, $3)", [
    ada,
    post(7),
    post(9),
  ]);
  await pool.query("insert into recsys.dismissals values ($1, $2, now() - interval '20 days')", [ada, post(8)]);
  const titles = ["How to begin", "What to read?", "Question", "How to BEGIN!", "What to read", "Question", "How to"];
  for (const [i, title] of titles.entries())
    await pool.query("update public.posts set title = $2 where id = $1", [post([7, 8, 9, 20, 21, 22, 23][i]), title]);
  assert.deepEqual(await has(7, 8, 9, 20, 21, 22, 23), [20, 21, 22, 23]);
  await prefer("hide", "reposts");
  assert.deepEqual(await has(20, 21, 22, 23), [22, 23]);
  assert.ok(
    !idsOf(await feedOf({ limit: 50, filter: { max_age_days: 365 } })).includes(post(20)),
    "with a filter, too",
  );
  await pool.query("update public.posts set visibility = 'private' where id = $1", [post(7)]);
  assert.deepEqual(await has(20, 21, 22, 23), [20, 22, 23]);
  await takeBack();
  assert.deepEqual(await has(20, 21, 22, 23), [20, 21, 22, 23]);
  await pool.query("delete from recsys.dismissals");
});

test("in an experiment are those alone whose feed is personal", async () => {
  await pool.query(
    `select recsys.start_experiment('all', '[{"name": "control", "share": 0.5}, {"name": "other", "share": 0.5, "settings": {"diversity": 1}}]')`,
  );
  const variants = async () =>
    (await pool.query("select variant from recsys_engine.assignment($1)", [ada])).rows.length;
  assert.equal(await variants(), 1);
  for (const kind of ["following", "impersonal"]) {
    await prefer("feed", kind);
    assert.equal(await variants(), 0);
    await takeBack();
  }
});

test("a row of the app's that names nobody stops nothing", async () => {
  const shown =
    "create or replace view recsys.source_preferences with (security_invoker = true) as select user_id, kind, value from public.preferences";
  await pool.query(`${shown} union all select null, 'feed', 'impersonal'`);
  const before = await countOf("recsys.impressions");
  await feedOf();
  assert.ok((await countOf("recsys.impressions")) > before);
  await pool.query(shown);
});

test("nobody reads or decides what others prefer", async () => {
  await prefer("feed", "impersonal");
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("set local role authenticated");
    await client.query("select set_config('request.jwt.claims', $1, true)", [
      JSON.stringify({ sub: eve, role: "authenticated" }),
    ]);
    assert.equal((await client.query("select from public.preferences")).rowCount, 0);
    await assert.rejects(client.query("insert into public.preferences values ($1, 'feed', 'following')", [ada]), {
      code: "42501",
    });
  } finally {
    await client.query("rollback");
    client.release();
  }
});
