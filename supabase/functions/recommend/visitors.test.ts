/**
 * Visitors, who have not signed in: a feed by the interests they name, of posts that the app shows to all, and no
 * row about them.
 */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, post, privatePost, publishTinyModel, uuid } from "../../../testing/community.ts";
import { publishWordModel } from "../../../testing/embed.ts";
import { cursorAfter, maxServedPosts } from "../_shared/recommend/request/cursor.ts";
import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import { publishableKey } from "../testing.ts";
import { recommendFunction } from "./handler.ts";
import { testApp } from "./testing.ts";

const database = await testDatabase({ after }, "visitors");
const { pool, url } = database;
const app = testApp({ after }, url);

beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
});

/** Ten posts about trains, ten about visas; the newest of each is private. All are by eve. */
async function addTopics(): Promise<void> {
  await pool.query(
    `insert into public.posts (id, author_id, title, description, tags, visibility, created_at)
     select format('0000000d-0000-4000-8000-%s', lpad((10 * topic.number + n)::text, 12, '0'))::uuid, $1, topic.title || ', part ' || n, topic.title, array[topic.tag],
       case n when 1 then 'private' else 'public' end, now() - n * interval '1 hour'
     from (values (0, 'Travel by train', 'rail'), (1, 'A visa', 'papers')) as topic (number, title, tag), generate_series(1, 10) as n`,
    [people.eve],
  );
}

const about = (word: string, { items }: Feed) => items.flatMap(({ title }, i) => (title.includes(word) ? [i + 1] : []));

async function feedOf(body: object): Promise<Feed> {
  const answer = await app.visit(body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.deepEqual(app.logged, []);
  return answer.body;
}

test("what a visitor names comes first, and what they do not name does not", async () => {
  await addTopics();
  await publishWordModel(database, "words");
  const nine = Array.from({ length: 9 }, (_, i) => i + 1);
  const rail = await feedOf({ limit: 49, interests: ["travel by train"] });
  assert.deepEqual([rail.model?.name, rail.basis, rail.mode, rail.degraded], ["words", "profile", "live", null]);
  assert.deepEqual(about("train", rail), nine);
  assert.equal(rail.items[0].source, "similar");
  const visas = await feedOf({ limit: 49, interests: ["visa"] });
  assert.deepEqual(about("visa", await feedOf({ limit: 49, query: "visa" })), nine, "a query is read as one");
  assert.deepEqual(about("visa", visas), nine);
  assert.ok(Math.min(...about("train", visas)) > 9);
  const both = await feedOf({ limit: 18, interests: ["travel by train", "a visa"] });
  assert.deepEqual([about("train", both).length, about("visa", both).length], [9, 9]);
  const score = (feed: Feed, id: string) => feed.items.find(({ post_id }) => post_id === id)?.score as number;
  const train = uuid("d", 2);
  assert.ok(score(rail, train) > 1.2 * score(visas, train), `${score(rail, train)} and ${score(visas, train)}`);
});

test("without interests, and without a model, it is what is fresh and popular", async () => {
  const without = await feedOf({ limit: 6, interests: ["chess"] });
  assert.deepEqual([without.model, without.basis, without.degraded], [null, "community", null]);
  // as for a user, see recommend.test.ts
  assert.deepEqual(
    without.items.map(({ post_id }) => post_id),
    [1, 2, 3, 4, 5, 30].map(post),
  );
  await publishTinyModel(pool, { name: "tiny" });
  for (const body of [{}, { interests: [] }]) {
    const feed = await feedOf(body);
    assert.deepEqual([feed.model?.name, feed.basis, feed.items.length], ["tiny", "community", 20]);
  }
  const response = await app.request("/recommend?limit=3", { headers: { authorization: `Bearer ${publishableKey}` } });
  assert.equal((await response.json()).items.length, 3, "a GET names no interests");
});

test("a list made ahead is nobody's: a visitor's feed is ranked now", async () => {
  await publishTinyModel(pool, { name: "tiny" });
  const feed = await feedOf({ mode: "batch", interests: ["chess"] });
  assert.deepEqual([feed.mode, feed.degraded, feed.items.length], ["live", null, 20]);
});

test("posts that are not for all never appear, on no page, with no filter, and the policy is what hides them", async () => {
  await addTopics();
  await publishWordModel(database, "words");
  const hidden = [uuid("d", 1), uuid("d", 11), privatePost];
  const shownTo = async (body: object) => {
    const shown = new Set<string>();
    let next: string | null = null;
    do {
      const feed: Feed = await feedOf({ ...body, ...(next && { after: next }) });
      for (const { post_id, position } of feed.items) {
        assert.equal(shown.size + 1, position);
        assert.ok(!shown.has(post_id), "nothing comes twice");
        shown.add(post_id);
      }
      next = feed.next;
    } while (next !== null);
    return shown;
  };
  const interests = ["travel by train", "secret"];
  for (const [filter, count] of [
    [undefined, 48],
    [{ tags: ["rail"] }, 9],
    [{ author_ids: [people.eve] }, 18],
    [{ tags: ["RAIL", "papers"], max_age_days: 1 }, 18],
    [{ languages: ["en"] }, 0],
  ] as const) {
    const shown = await shownTo({ limit: 7, interests, ...(filter && { filter }) });
    assert.equal(shown.size, count, JSON.stringify(filter));
    assert.ok(!hidden.some((id) => shown.has(id)), JSON.stringify(filter));
  }
  await pool.query("update public.posts set visibility = 'public' where id = $1", [hidden[0]]);
  assert.ok((await shownTo({ limit: 50, interests })).has(hidden[0]));
});

test("what is hidden answers as what does not exist", async () => {
  await addTopics();
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update public.posts set author_id = $1, tags = '{hush}', language = 'pt' where id = $2", [
    people.ben,
    privatePost,
  ]);
  const answerTo = async (filter: object) => {
    const { request_id, made_at, ...answer } = await feedOf({ interests: ["secret"], filter });
    return answer;
  };
  const nothing = await answerTo({ tags: ["nobody's"] });
  assert.deepEqual([nothing.items, nothing.next], [[], null]);
  for (const filter of [
    { author_ids: [people.ben] },
    { author_ids: [uuid("e", 1)] },
    { tags: ["hush"] },
    { languages: ["pt"] },
    { languages: ["fr"] },
  ])
    assert.deepEqual(await answerTo(filter), nothing, JSON.stringify(filter));
});

test("nothing is written of a visitor", async () => {
  await publishTinyModel(pool, { name: "tiny" });
  const headers = { apikey: publishableKey, "cf-connecting-ip": "203.0.113.7" };
  const init = { method: "POST", headers, body: JSON.stringify({ interests: ["a rare disease"] }) };
  assert.equal((await app.request("/recommend", init)).status, 200);
  await app.settled();
  for (const table of ["recsys.impressions", "recsys_engine.rate_limits"])
    assert.equal((await pool.query(`select from ${table}`)).rowCount, 0, table);
});

test("an app that shows visitors no posts", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  await t.test("by its policies: there are none", async (t) => {
    await pool.query(`alter policy "public posts and one's own are readable" on public.posts to authenticated`);
    t.after(() =>
      pool.query(`alter policy "public posts and one's own are readable" on public.posts to anon, authenticated`),
    );
    const feed = await feedOf({ interests: ["chess"] });
    assert.deepEqual([feed.items, feed.next, feed.degraded], [[], null, null]);
  });
  for (const [name, revoke, grant] of [
    ["by its grants", "revoke select on public.posts from anon", "grant select on public.posts to anon"],
    [
      "or leaves the migration out",
      "revoke usage on schema recsys, recsys_engine from anon",
      "grant usage on schema recsys, recsys_engine to anon",
    ],
  ])
    await t.test(`${name}: they are told to sign in`, async (t) => {
      await pool.query(revoke);
      t.after(() => pool.query(grant));
      const { status, body } = await app.visit({ interests: ["chess"] });
      assert.deepEqual([status, body.error?.code], [401, "token_not_user"]);
      assert.deepEqual(app.logged, [], "it is as the app has it");
      assert.equal((await app.call(people.ben)).status, 200, "nobody else is told so");
    });
  assert.equal((await feedOf({})).items.length, 20);
});

test("what fails costs a visitor quality and not the feed, and the answer says so", async (t) => {
  const notOnnx = new TextEncoder().encode("this is no graph");
  for (const [graph, degraded] of [
    ["dlrm", "unranked"],
    ["user_tower", "community"],
  ] as const) {
    await publishTinyModel(pool, { name: `without ${graph}`, graphs: { [graph]: notOnnx } });
    const app = testApp(t, url);
    const { status, body } = await app.visit({ interests: ["chess"] });
    assert.deepEqual([status, body.degraded, body.items.length], [200, degraded, 20]);
    assert.equal(app.logged[0].code, "model_corrupt");
  }
});

test("interests that are none are refused, and hostile ones are only words", async () => {
  await publishWordModel(database, "words");
  for (const interests of [
    "chess",
    { 0: "chess" },
    [1],
    [null],
    [["chess"]],
    [""],
    ["x".repeat(101)],
    Array(21).fill("chess"),
    Array(5_000).fill("chess"),
  ]) {
    const { status, body } = await app.visit({ interests });
    assert.deepEqual([status, body.error?.code], [400, "invalid_interests"], JSON.stringify(interests).slice(0, 50));
  }
  for (const interest of [
    " ",
    "\0",
    "\ud800",
    "\u202e",
    "'; drop table public.posts; --",
    '{"role": "service_role"}',
    "$1",
    "__proto__",
    "x".repeat(100),
    "\ufdfa".repeat(100),
    "👩‍👩‍👧‍👦".repeat(9),
  ])
    assert.equal((await feedOf({ interests: Array(20).fill(interest) })).items.length, 20, JSON.stringify(interest));
});

test("the largest request that is as it should be is not too large", async () => {
  const escaped = (length: number) => "\u0001".repeat(length);
  const filter = {
    tags: Array(50).fill(escaped(100)),
    author_ids: Array(50).fill(people.author),
    languages: Array(50).fill(`en-${"abcdefgh-".repeat(3)}abcd`),
    max_age_days: 36_500,
  };
  const after = cursorAfter(
    { seed: 1n, keys: Array.from({ length: maxServedPosts - 2 }, (_, i) => i), folded: 0 },
    [7],
  );
  const body = { limit: 100, mode: "live", after, filter, interests: Array(20).fill(escaped(100)) };
  const length = JSON.stringify(body).length;
  assert.ok(length > 55 * 1024 && length < recommendFunction.maximumBodyBytes, `${length}`);
  assert.deepEqual((await feedOf(body)).items, []);
});

test("a user may name interests, too: they come before what the profile says", async () => {
  await addTopics();
  await publishWordModel(database, "words");
  const first = async (interests: string[]) =>
    (await app.call(people.ben, { limit: 9, interests })).body.items.map(({ title }) => title.split(",")[0]);
  assert.deepEqual(new Set(await first(["travel by train"])), new Set(["Travel by train"]));
  assert.deepEqual(new Set(await first(["visa"])), new Set(["A visa"]));
  const stranger = await app.call(uuid("e", 1), { interests: ["visa"] });
  assert.deepEqual([stranger.status, stranger.body.error?.code], [404, "unknown_user"]);
});

test("who signed in anonymously is a user, with a profile and impressions of their own, and no visitor", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  const app = testApp(t, url, { claims: () => ({ is_anonymous: true }) });
  const { body } = await app.call(people.eve, { limit: 3, interests: ["chess"] });
  await app.settled();
  const { rows } = await pool.query("select user_id from recsys.impressions where request_id = $1", [body.request_id]);
  assert.deepEqual(rows, Array(3).fill({ user_id: people.eve }));
  assert.equal((await app.call(uuid("e", 1))).body.error?.code, "unknown_user");
});

test("visitors of one address share an allowance in a worker, where the platform says which it is", async (t) => {
  const app = testApp(t, url);
  const visit = async (headers: Record<string, string>) =>
    (await app.request("/recommend?limit=1", { headers: { apikey: publishableKey, ...headers } })).status;
  const from = (address: string) => ({ "cf-connecting-ip": address });
  const started = performance.now();
  let served = 0;
  while (served < 500 && (await visit(from("203.0.113.7"))) === 200) served++;
  const regained = (performance.now() - started) / 500;
  assert.ok(served >= 120 && served <= 121 + regained, `${served}, of which ${regained} by waiting`);
  assert.equal(await visit(from("203.0.113.8")), 200, "another's is whole");
  assert.equal(await visit({ "x-forwarded-for": "203.0.113.7" }), 200, "anybody could write that");
  const again = () => app.request("/recommend", { headers: { apikey: publishableKey, ...from("203.0.113.7") } });
  let refused = await again();
  // on a busy machine the two in between took so long that one more was allowed
  for (let more = 0; refused.status === 200 && more < 10; more++) refused = await again();
  assert.equal((await refused.json()).error.code, "too_many_requests");
  assert.match(refused.headers.get("retry-after") ?? "", /^1$/);
});
