/** Feeds whose posts a streaming replica finds, through PgBouncer: as the primary would make them. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { publishTinyModel } from "../../../testing/community.ts";
import { behind, codesOf, feedOf, replicatedCommunity, untilBy } from "../../../testing/replicated-community.ts";
import type { Feed, FeedItem } from "../_shared/recommend/request/feed-schema.ts";
import { event, testApp as eventsApp } from "../events/testing.ts";
import { testApp } from "./testing.ts";

/** Longer than these tests. */
const long = 60_000;

const setting = await replicatedCommunity({ after });
const { skip, readers, replicaApp } = setting;

const idsOf = ({ items }: Feed) => items.map(({ post_id }) => post_id);
const told = (items: FeedItem[]) => items.map(({ score, ...item }) => ({ ...item, score: Math.fround(score ?? 0) }));

test("a replica that has it all makes the feeds that the primary makes", { skip }, async (t) => {
  const [app, direct] = [replicaApp(t, long), testApp(t, setting.url)];
  const { rows } = await setting.database.pool.query("select id from public.posts order by md5(id::text) limit 200");
  const candidates = rows.map(({ id }) => id);
  const bodies = [{}, { limit: 100 }, { filter: { tags: ["topic 3"] } }, { candidates }, { interests: ["chess"] }];
  await feedOf(app, readers[0]);
  for (const reader of [readers[0], null])
    for (const body of bodies) {
      await Promise.all([app.settled(), direct.settled()]);
      await setting.replica.caughtUp();
      const [byReplica, byPrimary] = [await feedOf(app, reader, body), await feedOf(direct, reader, body)];
      assert.deepEqual([byReplica.byReplica, byPrimary.byReplica], [true, false]);
      assert.ok(byPrimary.feed.items.length >= 20);
      assert.deepEqual(told(byReplica.feed.items), told(byPrimary.feed.items), `${reader} ${JSON.stringify(body)}`);
      assert.deepEqual(
        { ...byReplica.feed, items: 0, request_id: 0, made_at: 0, next: byReplica.feed.next !== null },
        { ...byPrimary.feed, items: 0, request_id: 0, made_at: 0, next: byPrimary.feed.next !== null },
      );
    }
  // page after page nothing comes twice
  const seen = new Set<string>();
  let next: string | null | undefined;
  for (let page = 0; page < 4; page++) {
    const { feed } = await feedOf(app, readers[1], { limit: 30, ...(next && { after: next }) });
    for (const id of idsOf(feed)) seen.add(id);
    next = feed.next;
  }
  assert.equal(seen.size, 120);
  assert.deepEqual([...codesOf(app), ...codesOf(direct)], []);
});

test("who of the followed interacted with a post is named by the primary alone: the last check asks of posts", {
  skip,
}, async (t) => {
  const { pool } = setting.database;
  const reader = crypto.randomUUID();
  await pool.query("insert into public.profiles (id) values ($1)", [reader]);
  await pool.query("insert into public.follows (user_id, kind, target) select $1, 'person', md5('person 0')::uuid", [
    reader,
  ]);
  const followed = (await pool.query("select md5('person 0')::uuid as id")).rows[0].id;
  await setting.replica.caughtUp();
  const [app, direct] = [replicaApp(t, long), testApp(t, setting.url)];
  await untilBy(true, app, reader);
  for (const [of, isReplica, people] of [
    [app, true, []],
    [direct, false, [followed]],
  ] as const) {
    const { feed, byReplica } = await feedOf(of, reader, { limit: 100 });
    assert.equal(byReplica, isReplica);
    const touched = feed.items.flatMap(({ why }) => (why.kind === "touched" ? [why.people] : []));
    assert.ok(touched.length > 0);
    for (const named of touched) assert.deepEqual(named, people);
  }
});

test("what somebody did a moment ago is in their next feed, and what is taken from them is not", {
  skip,
}, async (t) => {
  const { pool } = setting.database;
  const app = replicaApp(t, long);
  const events = eventsApp(t, setting.url);
  const reader = readers[7];
  const { feed: before } = await feedOf(app, reader);
  await setting.replica.pause();
  t.after(() => setting.replica.resume());
  const [voted, deleted, hidden, edited, blocked] = idsOf(before);
  assert.deepEqual(await events.send(reader, event("vote", { post_id: voted, value: 1 })), ["stored"]);
  await pool.query("delete from public.posts where id = $1", [deleted]);
  await pool.query("update public.posts set visibility = 'private' where id = $1", [hidden]);
  await pool.query("insert into public.mutes (user_id, kind, value) values ($1, 'word', 'spiders')", [reader]);
  await pool.query("update public.posts set title = 'Spiders!' where id = $1", [edited]);
  await pool.query(
    "insert into public.mutes (user_id, kind, value) select $1, 'person', author_id from public.posts where id = $2",
    [reader, blocked],
  );
  const { rows } = await pool.query(
    "select id from public.posts join public.mutes on mutes.value = posts.author_id::text where mutes.user_id = $1",
    [reader],
  );
  const ofBlocked = rows.map(({ id }) => id);
  assert.ok(ofBlocked.length > 10);
  const { feed, byReplica } = await feedOf(app, reader, { limit: 100 });
  assert.ok(byReplica);
  const shown = new Set(idsOf(feed));
  assert.deepEqual(
    [voted, deleted, hidden, edited, ...ofBlocked].filter((id) => shown.has(id)),
    [],
  );
  assert.equal(feed.items.length, 100, "others take their places");
  // the vote is in their history: the page says so, or its model was told
  assert.equal(feed.basis, "history");
  // a visitor's feed has the same last check
  const { feed: visited, byReplica: isVisited } = await feedOf(app, null, { limit: 100 });
  assert.ok(isVisited && visited.items.length === 100);
  assert.ok(!idsOf(visited).some((id) => id === deleted || id === hidden));
  assert.deepEqual(codesOf(app), []);
});

test("a replica that lags too far, and one that a worker knows nothing of, leave feeds to the primary, which says so once", {
  skip,
}, async (t) => {
  const { database, replica } = setting;
  await replica.caughtUp();
  const app = replicaApp(t);
  await untilBy(true, app, readers[2]);
  await replica.pause();
  t.after(() => replica.resume());
  const stopped = performance.now();
  for (let i = 0; performance.now() - stopped < 4 * behind; i++) {
    await database.pool.query("update public.profiles set bio = $1 where id = $2", [`${i}`, readers[3]]);
    const since = performance.now() - stopped;
    const { byReplica } = await feedOf(app, readers[2]);
    assert.ok(!byReplica || since < 2 * behind, `by the replica after ${since} ms`);
    await setTimeout(20);
  }
  assert.deepEqual(codesOf(app), ["replica_disabled"]);
  assert.match(
    String(app.logged[0].cause),
    /read replica disabled, feeds use the primary: it is .* behind the primary/,
  );
  // a worker that begins now does not know how far behind it is, and takes it for no fault at first
  const other = replicaApp(t);
  assert.equal((await feedOf(other, readers[2])).byReplica, false);
  assert.deepEqual(codesOf(other), []);
  await replica.resume();
  await untilBy(true, app, readers[2]);
  await untilBy(true, other, readers[2]);
  assert.deepEqual(codesOf(app), ["replica_disabled", "replica_enabled"]);
  // a primary without writes leaves no replica behind
  await Promise.all([app.settled(), other.settled()]);
  await replica.caughtUp();
  await setTimeout(2 * behind);
  assert.ok((await feedOf(app, readers[2])).byReplica);
  assert.ok((await feedOf(replicaApp(t), readers[2])).byReplica);
  assert.deepEqual(codesOf(app), ["replica_disabled", "replica_enabled"]);
});

test("a model that the replica does not have yet serves from the primary", { skip }, async (t) => {
  const { database, replica } = setting;
  const app = replicaApp(t, long);
  await untilBy(true, app, readers[4]);
  await replica.pause();
  t.after(() => replica.resume());
  const id = await publishTinyModel(database.pool, { name: "newer" });
  const { feed, byReplica } = await feedOf(app, readers[4]);
  assert.deepEqual([feed.model?.id, byReplica], [id, false]);
  await replica.resume();
  await replica.caughtUp();
  assert.ok((await feedOf(app, readers[4])).byReplica);
  assert.deepEqual(codesOf(app), []);
});
