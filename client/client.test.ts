/** The client with the real supabase-js, against the functions under the real Deno. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createClient } from "@supabase/supabase-js";
import { testDatabase } from "../db/testing.ts";
import { startGateway } from "../serve/gateway.ts";
import { fillCommunity, people, post, privatePost, publishTinyModel } from "../testing/community.ts";
import { EventsError, type Feed, type FeedItem, type Recsys, RecsysError, recsys, withPlaces } from "./src/index.ts";

const { pool, url: databaseUrl } = await testDatabase({ after }, "client");
await fillCommunity(pool);
const folder = await mkdtemp(join(tmpdir(), "recsys-"));
after(() => rm(folder, { recursive: true }));
// with a site, empty as it is, comes what an app reads its own tables by
const site = join(folder, "site");
await mkdir(site);
const gateway = await startGateway({ databaseUrl, port: 0, folder, site, onLog: () => undefined });
after(() => gateway.stop());
let model: number;
before(async () => {
  model = await publishTinyModel(pool, { name: "tiny" });
  await pool.query(
    `insert into recsys.user_embeddings (model_id, user_id, embedding)
     select $1, unnest($2::uuid[]), (array[1] || array_fill(0, array[31]))::extensions.vector`,
    [model, [people.ada, people.ben]],
  );
});

/** A user's client; `fetch` stands between. */
function clientOf(userId: string, fetch?: typeof globalThis.fetch) {
  const options = { accessToken: () => gateway.tokenOf(userId), ...(fetch && { global: { fetch } }) };
  return createClient(gateway.url, gateway.publishableKey, options);
}

/** Their recommender. */
function recommenderOf(userId: string, fetch?: typeof globalThis.fetch): Recsys {
  return recsys(clientOf(userId, fetch));
}

/** Everything of an error that an app reads. */
async function errorOf(call: Promise<unknown>) {
  const error = await call.then(
    () => assert.fail("it should fail"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof RecsysError, String(error));
  const { code, status, retryAfter, message } = error;
  assert.ok(message.length > 0);
  return { code, status, retryAfter };
}

const votes = async (userId: string) =>
  (await pool.query("select post_id from public.post_votes where user_id = $1 order by id", [userId])).rows.map(
    ({ post_id }) => post_id,
  );

test("a feed, events that change it, and what is similar", async () => {
  const ben = recommenderOf(people.ben);
  const feed = await ben.recommend({ limit: 5 });
  assert.deepEqual([feed.items.length, feed.basis, feed.model], [5, "profile", { id: model, name: "tiny" }]);
  assert.equal((await ben.recommend()).items.length, 20);
  const { events: reports } = await ben.events([
    { type: "vote", post_id: post(6), value: 1 },
    { type: "dismiss", post_id: post(8), occurred_at: new Date().toISOString() },
    { type: "view", post_id: people.ada },
  ]);
  assert.deepEqual(
    reports.map(({ status, code }) => code ?? status),
    ["stored", "stored", "unknown_post"],
  );
  assert.equal(new Set(reports.map(({ id }) => id)).size, 3);
  assert.equal((await ben.recommend()).basis, "history");
  const posts = await ben.similar({ post_id: post(6), limit: 3 });
  assert.deepEqual([posts.items.length, typeof posts.items[0].title], [3, "string"]);
  const alike = await ben.similar({ find: "people" });
  assert.deepEqual(alike.items, [], "there are fewer than ten people");
  const whom = await ben.suggestions({ find: "people_to_follow", limit: 3 });
  const what = await ben.suggestions({ find: "topics_to_follow" });
  assert.deepEqual([whom.find, what.find, what.items], ["people_to_follow", "topics_to_follow", []]);
  // as an app of 1.0.0 asks
  assert.deepEqual(await ben.newPosts({ since: feed.made_at }), await ben.newPosts({ count_since: feed.made_at }));
  assert.deepEqual(await ben.suggestions({ of: "groups" }), { find: "groups_to_follow", items: [] });
  const reach = await recommenderOf(people.author).similar({ find: "reach", post_id: post(6) });
  assert.equal(reach.people, null);
  assert.deepEqual(await ben.events([]), { events: [] });
  const ideas = await ben.ideas({ limit: 3 });
  // thirty posts by one author
  assert.deepEqual([ideas.items, ideas.notes[0].code], [[], "too_few_posts"]);
});

test("one conversation comes once in a feed, with how many say the same of what its reader may read", async () => {
  const sameTitle = [post(3), post(9), post(15), privatePost];
  await pool.query(
    `update public.posts set title = case id when $1 then 'Where to eat in Lisbon?' else 'where to eat – in LISBON' end where id = any ($2)`,
    [post(3), sameTitle],
  );
  const eve = recommenderOf(people.eve);
  const items: FeedItem[] = [];
  let after: string | null = null;
  do {
    const page: Feed = await eve.recommend({ limit: 4, ...(after && { after }) });
    items.push(...page.items);
    after = page.next;
  } while (after);
  const [one, ...others] = items.filter(({ post_id }) => sameTitle.includes(post_id));
  assert.deepEqual([one.folded, others.length], [2, 0], "the private one is none of them");
  assert.deepEqual(
    items.map(({ position }) => position),
    items.map((_, i) => i + 1),
  );
  assert.ok(items.every((item) => item === one || item.folded === undefined));
  // who asks for posts by name gets each
  const named = await eve.recommend({ candidates: sameTitle });
  assert.equal(named.items.length, 3);
  await pool.query("update public.posts set title = 'Post ' || right(id::text, 2) where id = any ($1)", [sameTitle]);
});

test("a page of what the app's search found is in each reader's order, and what one may not read any more is as if it were not", async () => {
  const title = "Trams of Lisbon";
  const found = [4, 7, 10, 13].map(post);
  await pool.query("update public.posts set title = $2 where id = any ($1)", [[...found, privatePost], title]);
  // row level security decides what a search finds
  const search = async (userId: string): Promise<string[]> => {
    const { data, error } = await clientOf(userId).from("posts").select("id").eq("title", title).order("id");
    assert.ifError(error);
    return (data ?? []).map(({ id }) => id);
  };
  const page = async (userId: string, candidates: string[]) => {
    const { items, mode, degraded, next } = await recommenderOf(userId).recommend({ candidates, query: title });
    assert.deepEqual([mode, degraded, next], ["candidates", null, null]);
    return items.map(({ post_id }) => post_id);
  };
  const show = async (visibility: string) => {
    const { error } = await clientOf(people.author).from("posts").update({ visibility }).eq("id", post(10));
    assert.ifError(error);
  };
  const [adas, eves] = [await search(people.ada), await search(people.eve)];
  assert.deepEqual([adas, eves], [found, found]);
  const authors = await search(people.author);
  assert.deepEqual(authors, [...found, privatePost]);
  // ada interacted with even posts, and of eve nothing is known
  assert.deepEqual(await page(people.ada, adas), [4, 10, 7, 13].map(post));
  assert.deepEqual(await page(people.eve, eves), [7, 13, 4, 10].map(post));
  assert.deepEqual((await page(people.author, authors)).sort(), authors);

  await show("private");
  // their pages still name what they found a moment ago
  assert.deepEqual(await page(people.ada, adas), [4, 7, 13].map(post));
  assert.deepEqual(await page(people.eve, eves), [7, 13, 4].map(post));
  assert.deepEqual(
    await page(people.ada, [post(10)]),
    await page(people.ada, [people.ada]),
    "as an id that nobody has",
  );
  assert.deepEqual((await page(people.author, authors)).sort(), authors, "to its author it is what it was");
  assert.deepEqual(await search(people.ada), [4, 7, 13].map(post));

  await show("public");
  assert.deepEqual(await page(people.ada, adas), [4, 10, 7, 13].map(post));
  assert.deepEqual(await page(people.eve, eves), [7, 13, 4, 10].map(post));
  await pool.query("update public.posts set title = 'Post ' || right(id::text, 2) where id = any ($1)", [authors]);
});

test("who dismisses a post has less of its author in the next feed, and as before once they take it back", async () => {
  await pool.query("update public.posts set author_id = $1 where id = any ($2)", [people.ben, [post(12), post(18)]]);
  const eve = recommenderOf(people.eve);
  const scores = async () => {
    const { items } = await eve.recommend({ limit: 30 });
    return [12, 18, 19].map((n) => items.find(({ post_id }) => post_id === post(n))?.score);
  };
  const before = await scores();
  const times = async () =>
    (await scores()).map((score, i) => score && Math.round((1e4 * score) / (before[i] ?? Number.NaN)) / 1e4);
  await eve.events([{ type: "dismiss", post_id: post(12) }]);
  assert.deepEqual(await times(), [undefined, 0.2, 1]);
  await eve.events([{ type: "dismiss", post_id: post(12), value: 0 }]);
  assert.deepEqual(await times(), [1, 1, 1]);
});

test("a banner keeps its place while pages come, and each post comes once", async () => {
  const eve = recommenderOf(people.eve);
  const others = { 1: "welcome", 3: "banner", 4: "offer", 7: "survey", 90: "never" };
  const items: FeedItem[] = [];
  let after: string | null = null;
  let before: (FeedItem | string)[] = [];
  for (let page = 0; page < 3; page++) {
    const feed: Feed = await eve.recommend({ limit: 3, after });
    items.push(...feed.items);
    after = feed.next;
    const shown = withPlaces(items, others);
    assert.deepEqual(shown.slice(0, before.length), before, "what stands does not move");
    before = shown;
  }
  const said = before.map((each) => (typeof each === "string" ? each : each.post_id));
  const ids = items.map(({ post_id }) => post_id);
  assert.equal(new Set(ids).size, 9);
  const [first, second, third, ...rest] = ids;
  assert.deepEqual(said, ["welcome", first, "banner", "offer", second, third, "survey", ...rest]);
  assert.deepEqual(withPlaces([], others), []);
});

test("before anybody has signed in, a feed by interests", async () => {
  const signedOut = recsys(createClient(gateway.url, gateway.publishableKey));
  const feed = await signedOut.recommend({ limit: 4, interests: ["chess"] });
  assert.deepEqual([feed.items.length, feed.basis], [4, "profile"]);
  const more = await signedOut.recommend({ limit: 4, interests: ["chess"], after: feed.next });
  assert.equal(new Set([...feed.items, ...more.items].map(({ post_id }) => post_id)).size, 8);
});

test("errors have the functions' codes", async () => {
  const ben = recommenderOf(people.ben);
  const none = { retryAfter: null };
  assert.deepEqual(await errorOf(ben.recommend({ limit: 0 })), { code: "invalid_limit", status: 400, ...none });
  const unknown = ben.similar({ post_id: people.ada });
  assert.deepEqual(await errorOf(unknown), { code: "unknown_post", status: 404, ...none });
  const signedOut = recsys(createClient(gateway.url, gateway.publishableKey));
  assert.deepEqual(await errorOf(signedOut.events([{ type: "login" }])), {
    code: "token_missing",
    status: 401,
    ...none,
  });
  const aborted = ben.recommend({}, { signal: AbortSignal.abort() });
  assert.deepEqual(await errorOf(aborted), { code: "aborted", status: null, ...none });
});

test("no answer, and answers of whatever stands between, are unreachable", async () => {
  const answers: [Awaited<ReturnType<typeof errorOf>>["status"], () => Response][] = [
    [null, () => assert.fail("no network")],
    [502, () => new Response("<h1>Bad gateway</h1>", { status: 502 })],
    [500, () => Response.json({ error: "no" }, { status: 500 })],
    [500, () => Response.json(null, { status: 500 })],
    [200, () => new Response("<h1>Please log in to the Wi-Fi</h1>")],
  ];
  for (const [status, answer] of answers)
    assert.deepEqual(await errorOf(recommenderOf(people.ben, async () => answer()).recommend()), {
      code: "unreachable",
      status,
      retryAfter: null,
    });
});

const overloaded = () =>
  Response.json(
    { error: { code: "database_unavailable", message: "try again" } },
    { status: 503, headers: { "retry-after": "0" } },
  );

test("events that something else took are sent again", async () => {
  let calls = 0;
  const ada = recommenderOf(people.ada, async (...request) =>
    ++calls === 1 ? Response.json({ ok: true }) : await fetch(...request),
  );
  const { events } = await ada.events([{ type: "login" }]);
  assert.deepEqual([calls, events.length, events[0].status], [2, 1, "stored"]);
});

test("events whose answer was lost are sent again under their ids, and stored once", async () => {
  let calls = 0;
  const eve = recommenderOf(people.eve, async (...request) => {
    calls++;
    if (calls === 1) return overloaded();
    const answer = await fetch(...request);
    // they arrived, and the phone was in a tunnel
    if (calls === 2) throw new TypeError("connection lost");
    return answer;
  });
  const { events: reports } = await eve.events([
    { type: "vote", post_id: post(1), value: 1 },
    { type: "vote", post_id: post(3), value: 1 },
  ]);
  assert.equal(calls, 3);
  assert.deepEqual(
    reports.map(({ status }) => status),
    ["duplicate", "duplicate"],
  );
  assert.deepEqual(await votes(people.eve), [post(1), post(3)]);
});

test("what did not arrive is left in the error, and can be sent later", async () => {
  let calls = 0;
  const some = Array.from({ length: 501 }, () => ({ type: "login" as const }));
  const ada = recommenderOf(people.ada, async (...request) => (++calls === 1 ? await fetch(...request) : overloaded()));
  const error = await ada.events(some).catch((reason) => reason);
  assert.ok(error instanceof EventsError && error instanceof RecsysError);
  assert.deepEqual([error.code, error.status, error.retryAfter], ["database_unavailable", 503, 0]);
  assert.equal(calls, 5, "the first 500 once, the last one four times");
  assert.equal(error.unsent.length, 1);
  const report = await recommenderOf(people.ada).events(error.unsent);
  assert.deepEqual(report, { events: [{ id: error.unsent[0].id, status: "stored" }] });
});

test("a call that was refused is not repeated, nor one that was aborted", async () => {
  let calls = 0;
  const counted: typeof fetch = async (...request) => {
    calls++;
    return await fetch(...request);
  };
  const nobody = recommenderOf(people.ada.replace("a", "f"), counted);
  assert.equal((await errorOf(nobody.events([{ type: "login" }]))).code, "unknown_user");
  assert.equal(calls, 1);
  const stop = new AbortController();
  const later = recommenderOf(people.ada, async () => {
    calls++;
    return Response.json({}, { status: 429, headers: { "retry-after": "3600" } });
  });
  assert.deepEqual(await errorOf(later.events([{ type: "login" }])), {
    code: "unreachable",
    status: 429,
    retryAfter: 3600,
  });
  assert.equal(calls, 2, "nobody waits for an hour");
  const slow = recommenderOf(people.ada, async () => {
    calls++;
    setTimeout(() => stop.abort(), 50);
    return Response.json({}, { status: 503 });
  });
  const started = performance.now();
  assert.equal((await errorOf(slow.events([{ type: "login" }], { signal: stop.signal }))).code, "aborted");
  assert.ok(performance.now() - started < 900, "it does not wait to the end");
});

test("an error of a supabase-js that has the response in the error alone has its code, too", async () => {
  const said = '{"error":{"code":"rate_limited","message":"slower"}}';
  const context = new Response(said, { status: 429, headers: { "retry-after": "7" } });
  const functions = { invoke: async () => ({ data: null, error: Object.assign(new Error("not 2xx"), { context }) }) };
  const auth = {
    onAuthStateChange: () => ({ data: { subscription: { unsubscribe() {} } } }),
    getSession: async () => ({}),
  };
  const refused = recsys({ functions, auth } as never).recommend();
  await assert.rejects(refused, { name: "RecsysError", code: "rate_limited", status: 429, retryAfter: 7 });
});
