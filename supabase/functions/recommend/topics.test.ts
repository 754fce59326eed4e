/** What a feed says its posts are about, to whom, and what becomes of a page that may have no more than a share of one topic. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, post, publishTinyModel } from "../../../testing/community.ts";
import { openPool } from "../_shared/database/pool.ts";
import { createTopicCache } from "../_shared/recommend/hydration/topics.ts";
import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import { testApp } from "./testing.ts";

const database = await testDatabase({ after }, "feed_topics");
const { pool, url } = database;

before(async () => {
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
});

/** Topic 1 has the even posts, all liked by ada, and topic 2 the odd ones but the last, which has none. */
beforeEach(async () => {
  await pool.query(
    "update recsys.settings set topic_share = 1, requests_per_minute = null, trial_place = 0, diversity = 0, author_decay = 1",
  );
  await pool.query("truncate recsys_engine.topics, recsys_engine.post_topics");
  await pool.query(
    `insert into recsys_engine.topics (topic_id, model_id, label, terms, is_public, centroid) overriding system value
     select topic_id, 1, label, '{}', is_public, (array[1::real] || array_fill(0::real, array[31]))::extensions.vector
     from (values (1, 'chess', true), (2, 'gardens', false)) as topic (topic_id, label, is_public)`,
  );
  await pool.query(
    "insert into recsys_engine.post_topics (post_id, topic_id, similarity) select unnest($1::uuid[]), unnest($2::bigint[]), 1",
    [numbers.slice(0, 29).map(post), numbers.slice(0, 29).map((n) => (n % 2 === 0 ? 1 : 2))],
  );
});

const numbers = Array.from({ length: 30 }, (_, i) => i + 1);
const number = (id: string) => Number(id.slice(-12));
const labels = ({ items }: Feed) => items.map(({ topic }) => topic?.label ?? "–").join(" ");

test("each post has its topic, and none where it has none, or one without a name", async (t) => {
  const app = testApp(t, url);
  const { body } = await app.call(people.ben, { limit: 30 });
  assert.ok(body.items.length >= 28);
  for (const { post_id, topic } of body.items) {
    const n = number(post_id);
    assert.deepEqual(topic, n === 30 ? null : n % 2 === 0 ? { id: 1, label: "chess" } : { id: 2, label: "gardens" });
  }
  await pool.query("update recsys_engine.topics set label = '' where topic_id = 1");
  const fresh = testApp(t, url);
  assert.ok(!labels((await fresh.call(people.ben, { limit: 30 })).body).includes("chess"));
});

test("visitors are told only what is public", async (t) => {
  const app = testApp(t, url);
  const { body } = await app.visit({ limit: 20, interests: ["chess"] });
  const said = new Set(labels(body).split(" "));
  assert.deepEqual([...said].sort(), ["chess", "–"]);
});

test("a page has no more of a topic than its share, and without one it is as before", async (t) => {
  const app = testApp(t, url);
  const all = (await app.call(people.ada, { limit: 6 })).body as Feed;
  assert.equal(labels(all), "chess chess chess chess chess chess");
  await pool.query("update recsys.settings set topic_share = 0.5");
  const half = (await app.call(people.ada, { limit: 6 })).body as Feed;
  assert.deepEqual(
    labels(half).split(" ").sort(),
    ["chess", "chess", "chess", "gardens", "gardens", "gardens"].slice(0, 6),
  );
  assert.deepEqual(
    half.items.slice(0, 3).map(({ post_id }) => post_id),
    all.items.slice(0, 3).map(({ post_id }) => post_id),
  );
  const next = (await app.call(people.ada, { limit: 6, after: half.next })).body as Feed;
  assert.equal(new Set([...half.items, ...next.items].map(({ post_id }) => post_id)).size, 12);
});

test("an experiment may have a share of its own", async (t) => {
  const start = (name: string, shares: number[]) => {
    const variants = shares.map((topic_share, i) => ({ name: `v${i}`, share: 0.5, settings: { topic_share } }));
    return pool.query("select recsys.start_experiment($1, $2)", [name, JSON.stringify(variants)]);
  };
  await assert.rejects(start("none", [0, 0.5]), /topic_share/);
  await assert.rejects(start("most", [0.5, 1.1]), /topic_share/);
  // of 6 places both are 3
  await start("share", [0.5, 0.6]);
  t.after(() => pool.query("select recsys.stop_experiment('share')"));
  const { body } = await testApp(t, url).call(people.ada, { limit: 6 });
  assert.equal(
    labels(body)
      .split(" ")
      .filter((label) => label === "chess").length,
    3,
  );
});

test("where topics cannot be read the feed comes without them, and soon", async (t) => {
  const app = testApp(t, url);
  await pool.query("update recsys.settings set topic_share = 0.5");
  await pool.query("alter table recsys_engine.post_topics rename to hidden");
  try {
    const { status, body } = await app.call(people.ada, { limit: 6 });
    assert.deepEqual([status, body.items.length, body.degraded], [200, 6, null]);
    assert.equal(labels(body), "– – – – – –");
    assert.deepEqual(
      app.logged.map(({ code }) => code),
      ["topics_failed"],
    );
    await app.call(people.ada, { limit: 6 });
    assert.equal(app.logged.length, 1, "nor is it tried at once again");
  } finally {
    await pool.query("alter table recsys_engine.hidden rename to post_topics");
  }
});

test("what is known is not asked for again until a minute is over; where there are no topics nothing is", async (t) => {
  const own = openPool(url, () => undefined, { max: 1 });
  t.after(() => own.end());
  let asked = 0;
  const counting = {
    connect: () => {
      asked++;
      return own.connect();
    },
  } as unknown as typeof own;
  let now = 0;
  const topics = createTopicCache(
    counting,
    () => assert.fail("failed"),
    () => now,
  );
  const ids = [1, 2, 30].map(post);
  const read = async () => [...(await topics.of(ids)).values()].map(({ id }) => id).join();
  assert.equal(await read(), "2,1");
  assert.equal(await read(), "2,1");
  assert.equal(asked, 1);
  await pool.query("update recsys_engine.post_topics set topic_id = 2 where post_id = $1", [post(2)]);
  now = 59_999;
  assert.equal(await read(), "2,1");
  now = 60_000;
  assert.equal(await read(), "2,2");
  assert.equal(asked, 2);
  await pool.query("truncate recsys_engine.topics");
  now = 120_000;
  assert.equal(await read(), "");
  await topics.of([post(7)]);
  assert.equal(asked, 3, "of a post that is not known either");
});
