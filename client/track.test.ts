/** Tracked events: kept until they are stored, each once, and only as the user who did it. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { createClient } from "@supabase/supabase-js";
import { testDatabase } from "../db/testing.ts";
import { startGateway } from "../serve/gateway.ts";
import { fillCommunity, people, post, publishTinyModel } from "../testing/community.ts";
import { type Event, recsys } from "./src/index.ts";
import { noNetwork, openPage, storage } from "./testing.ts";

const { pool, url: databaseUrl } = await testDatabase({ after }, "client_track");
await fillCommunity(pool);
const folder = await mkdtemp(join(tmpdir(), "recsys-"));
after(() => rm(folder, { recursive: true }));
const gateway = await startGateway({ databaseUrl, port: 0, folder, onLog: () => undefined });
after(() => gateway.stop());
before(async () => void (await publishTinyModel(pool, { name: "tiny" })));
beforeEach(() => pool.query("delete from public.post_votes where user_id <> $1", [people.ada]));

const vote = (n: number, value: 1 | 0 | -1 = 1) => ({ type: "vote" as const, post_id: post(n), value });
const votes = async (userId: string) =>
  (await pool.query("select post_id from public.post_votes where user_id = $1 order by id", [userId])).rows.map(
    ({ post_id }) => post_id,
  );
const outcome = ({ status, code }: { status: string; code?: string }) => code ?? status;

test("what was seen of a feed is stored, in one call", async () => {
  const page = openPage(gateway, people.ben);
  const { items, request_id } = await page.recommend({ limit: 20 });
  const tracked = items.map(({ post_id }) => page.track({ type: "seen", post_id, request_id }));
  assert.deepEqual((await Promise.all(tracked)).map(outcome), Array(20).fill("stored"));
  assert.deepEqual(
    page.sent.map(({ length }) => length),
    [20],
  );
});

test("an impression that is not there yet is asked for again", async () => {
  const page = openPage(gateway, people.ben);
  const { items, request_id } = await page.recommend({ limit: 1 });
  page.network = async (_, init) => {
    page.network = fetch;
    const { events } = JSON.parse(String(init?.body));
    return Response.json({
      events: events.map(({ id }: Event) => ({ id, status: "refused", code: "unknown_impression", message: "…" })),
    });
  };
  const report = await page.track({ type: "seen", post_id: items[0].post_id, request_id });
  assert.deepEqual([outcome(report), page.sent.length, page.refused], ["stored", 2, []]);
});

test("whatever else is done goes at once, with what waits, in the order in which it happened", async (t) => {
  const page = openPage(gateway, people.eve);
  // the second in which what is seen is gathered never ends
  t.mock.timers.enable({ apis: ["setTimeout"] });
  void page.track({ type: "seen", post_id: post(1), request_id: crypto.randomUUID(), occurred_at: hourAgo() });
  const reports = await Promise.all([page.track(vote(1)), page.track(vote(1, -1)), page.track(vote(1))]);
  assert.deepEqual(reports.map(outcome), ["stored", "stored", "stored"]);
  t.mock.timers.reset();
  assert.deepEqual(
    page.sent.flat().map(({ type }) => type),
    ["seen", "vote", "vote", "vote"],
  );
  assert.deepEqual(await votes(people.eve), [post(1)]);
});

function hourAgo(): string {
  return new Date(Date.now() - 3_600_000).toISOString();
}

function tenMinutesLater(kept: ReturnType<typeof storage>): void {
  for (const key of kept.keys()) {
    const [head, time, id] = key.split(/:(?=\d{13}:)|:(?=[^:]+$)/);
    kept.setItem(`${head}:${Number(time) - 600_000}:${id}`, String(kept.getItem(key)));
    kept.removeItem(key);
  }
}

test("without a network it is kept over reloads, and then stored once, as of when it happened", async () => {
  const kept = storage();
  const before = openPage(gateway, people.eve, { storage: kept });
  before.network = noNetwork;
  void before.track(vote(1));
  void before.track(vote(3));
  await assert.rejects(before.flush());
  assert.deepEqual([kept.length, await votes(people.eve)], [2, []]);
  tenMinutesLater(kept);
  // the app starts again, in two tabs at the same time
  const tabs = [openPage(gateway, people.eve, { storage: kept }), openPage(gateway, people.eve, { storage: kept })];
  await Promise.all(tabs.map((tab) => tab.flush()));
  assert.deepEqual([kept.length, await votes(people.eve)], [0, [post(1), post(3)]]);
  const { rows } = await pool.query(
    "select round(extract(epoch from now() - created_at) / 60)::int as minutes from public.post_votes where user_id = $1",
    [people.eve],
  );
  assert.deepEqual(rows, [{ minutes: 10 }, { minutes: 10 }]);
});

test("tabs take nothing from one another: what another tab has sent is answered here, too", async () => {
  const kept = storage();
  const [one, two] = [0, 1].map(() => openPage(gateway, people.eve, { storage: kept }));
  one.network = noNetwork;
  const tracked = one.track(vote(1));
  await assert.rejects(one.flush());
  await two.track(vote(1, 0));
  one.network = fetch;
  await one.flush();
  assert.equal(outcome(await tracked), "duplicate");
  assert.deepEqual(await votes(people.eve), [], "the later one counts");
});

test("what one person did is never sent as another who signs in", async () => {
  const kept = storage();
  let signedIn: string | null = people.eve;
  const page = openPage(gateway, () => signedIn, { storage: kept });
  page.network = noNetwork;
  const tracked = page.track(vote(1));
  await assert.rejects(page.flush());
  page.network = fetch;
  signedIn = people.ben;
  const unsent: number[] = [];
  const stop = page.watch((connection) => unsent.push(connection.unsent.length));
  assert.equal(outcome(await page.track(vote(3))), "stored");
  await openPage(gateway, people.ben, { storage: kept }).flush();
  signedIn = null;
  await page.flush();
  assert.deepEqual([await votes(people.eve), await votes(people.ben), kept.length], [[], [post(3)], 1]);
  assert.equal(unsent.at(-1), 0);
  stop();
  signedIn = people.eve;
  await page.flush();
  assert.equal(outcome(await tracked), "stored");
  assert.deepEqual([await votes(people.eve), await votes(people.ben)], [[post(1)], [post(3)]]);
});

test("an event is sent with the token of whoever did it, also where another signs in at that moment", async () => {
  let asked = 0;
  // supabase-js asks again before it sends, and when it begins, at a time of its own: counted with those of the page, that had the test wait for ever
  const supabase = createClient(gateway.url, gateway.publishableKey, {
    accessToken: () => {
      asked++;
      return gateway.tokenOf(people.ben);
    },
  });
  await setTimeout(0);
  asked = 0;
  const page = recsys(supabase, { accessToken: () => gateway.tokenOf(people.eve) });
  assert.equal(outcome(await page.track(vote(5))), "stored");
  assert.ok(asked > 0);
  assert.deepEqual([await votes(people.eve), await votes(people.ben)], [[post(5)], []]);
});

test("one bad event stops neither those sent with it nor those behind it, and is told of once", async () => {
  const kept = storage();
  const page = openPage(gateway, people.eve, { storage: kept });
  const nested = { ...vote(1), value: [[[[[[[1]]]]]]] as unknown as 1 };
  const large = { type: "comment" as const, post_id: post(1), body: "x".repeat(300_000) };
  const good = [vote(1), vote(3), vote(5)];
  const all = [good[0], vote(99), good[1], nested, large, good[2]];
  const reports = await Promise.all(all.map((event) => page.track(event)));
  const expected = ["stored", "unknown_post", "stored", "invalid_body", "body_too_large", "stored"];
  assert.deepEqual(reports.map(outcome), expected);
  assert.deepEqual(page.refused.map(outcome).sort(), ["body_too_large", "invalid_body", "unknown_post"]);
  assert.deepEqual(await votes(people.eve), [post(1), post(3), post(5)]);
  assert.equal(kept.length, 0);
});

test("a storage that is full, forbidden or broken costs only what would outlive the page", async () => {
  const full = { ...storage(), length: 0, setItem: () => assert.fail("QuotaExceededError") };
  const forbidden = { ...full, length: 1, key: () => assert.fail("SecurityError") };
  for (const kept of [full, forbidden]) {
    const page = openPage(gateway, people.eve, { storage: kept });
    page.network = noNetwork;
    const tracked = page.track(vote(7));
    await assert.rejects(page.flush());
    page.network = fetch;
    await page.flush();
    assert.match(outcome(await tracked), /stored/);
  }
  const broken = storage();
  broken.setItem("recsys:", "mine");
  broken.setItem("another app's", "{");
  const page = openPage(gateway, people.eve, { storage: broken });
  page.network = noNetwork;
  void page.track(vote(9));
  await assert.rejects(page.flush());
  const [key] = broken.keys().slice(2);
  const other = (id: string) => key.replace(/[^:]+$/, id);
  for (const [i, text] of ["{", "null", "7", '"x"', '{"id": 7}', "[]"].entries()) broken.setItem(other(`${i}`), text);
  const reopened = openPage(gateway, people.eve, { storage: broken });
  await reopened.flush();
  assert.deepEqual(broken.keys(), ["recsys:", "another app's"]);
  assert.deepEqual([reopened.sent.length, reopened.sent[0].length, reopened.refused], [1, 1, []]);
});

test("of more than a thousand the oldest impressions go first, and what is a month old is gone", async () => {
  const kept = storage();
  const page = openPage(gateway, people.eve, { storage: kept });
  page.network = noNetwork;
  const first = page.track(vote(11));
  const seen = page.track({ type: "seen", post_id: post(1), request_id: crypto.randomUUID() });
  for (let n = 0; n < 999; n++) void page.track({ type: "view", post_id: post(2) });
  assert.equal(outcome(await seen), "too_many_events");
  await assert.rejects(page.flush());
  assert.deepEqual([kept.length, page.refused.length], [1000, 1]);
  page.network = fetch;
  await page.flush();
  assert.equal(outcome(await first), "stored");
  assert.equal(kept.length, 0);
  assert.equal(page.sent.at(-1)?.[0].type, "view");

  page.network = noNetwork;
  void page.track(vote(13));
  await assert.rejects(page.flush());
  const [key] = kept.keys();
  kept.setItem(key.replace(/\d{13}/, String(Date.now() - 31 * 86_400_000)), String(kept.getItem(key)));
  const reopened = openPage(gateway, people.eve, { storage: kept });
  assert.deepEqual(kept.keys(), [key]);
  await reopened.flush();
});

test("a device whose clock is wrong is believed as far as it can be", async () => {
  const kept = storage();
  const page = openPage(gateway, people.eve, { storage: kept });
  page.network = noNetwork;
  void page.track(vote(15));
  await assert.rejects(page.flush());
  const [key] = kept.keys();
  // it was an hour ahead then
  kept.setItem(key.replace(/\d{13}/, String(Date.now() + 3_600_000)), String(kept.getItem(key)));
  kept.removeItem(key);
  const later = openPage(gateway, people.eve, { storage: kept });
  await later.flush();
  assert.deepEqual([later.refused, await votes(people.eve)], [[], [post(15)]]);
});

test("a token that has expired, or cannot be had, is waited for", async () => {
  const kept = storage();
  let expired = true;
  const page = openPage(gateway, people.eve, { storage: kept });
  page.network = async (...request) =>
    expired
      ? Response.json({ error: { code: "token_expired", message: "sign in again" } }, { status: 401 })
      : await fetch(...request);
  const tracked = page.track(vote(1));
  await assert.rejects(page.flush(), { code: "token_expired" });
  assert.equal(kept.length, 1);
  expired = false;
  assert.equal(outcome(await tracked), "stored", "it is tried again by itself");

  let isOnline = true;
  const supabase = createClient(gateway.url, gateway.publishableKey, { accessToken: async () => null });
  const accessToken = async () => (isOnline ? await gateway.tokenOf(people.eve) : assert.fail("no network"));
  const other = recsys(supabase, { accessToken, storage: kept });
  await other.flush();
  isOnline = false;
  const offline = other.track(vote(3));
  await assert.rejects(other.flush(), { code: "unreachable" });
  assert.equal(kept.length, 1);
  isOnline = true;
  await other.flush();
  // the first page shares the storage, and may have sent it by itself
  assert.ok(["stored", "duplicate"].includes(outcome(await offline) ?? ""));
});

const later = (seconds: string) => async () =>
  Response.json(
    { error: { code: "overloaded", message: "later" } },
    { status: 503, headers: { "retry-after": seconds } },
  );

test("who is told to come back later does", async () => {
  const page = openPage(gateway, people.eve);
  const asked = Promise.withResolvers<void>();
  page.network = async () => {
    asked.resolve();
    return await later("2")();
  };
  const tracked = page.track(vote(1));
  await asked.promise;
  page.network = fetch;
  void page.track(vote(3));
  await setTimeout(800);
  assert.equal(page.sent.length, 1);
  assert.equal(outcome(await tracked), "stored");
  assert.deepEqual(await votes(people.eve), [post(1), post(3)]);
});

test("the same event pressed twice is one", async () => {
  const page = openPage(gateway, people.eve);
  const comment = { id: crypto.randomUUID(), type: "comment" as const, post_id: post(1), body: "pressed twice" };
  const reports = await Promise.all([page.track(comment), page.track(comment)]);
  assert.deepEqual(reports.map(outcome), ["stored", "stored"]);
  assert.equal(outcome(await page.track(comment)), "duplicate");
  const { rowCount } = await pool.query("select from public.comments where body = 'pressed twice'");
  assert.equal(rowCount, 1);
});

test("tracked again by the next visit under its id, an event is still of when it happened", async () => {
  const kept = storage();
  const before = openPage(gateway, people.eve, { storage: kept });
  before.network = noNetwork;
  const comment = { id: crypto.randomUUID(), type: "comment" as const, post_id: post(1), body: "ten minutes ago" };
  void before.track(comment);
  await assert.rejects(before.flush());
  tenMinutesLater(kept);
  const page = openPage(gateway, people.eve, { storage: kept });
  assert.equal(outcome(await page.track(comment)), "stored");
  const { rows } = await pool.query(
    "select round(extract(epoch from now() - created_at) / 60)::int as minutes from public.comments where body = 'ten minutes ago'",
  );
  assert.deepEqual([rows, kept.length, page.sent.flat().length], [[{ minutes: 10 }], 0, 1]);
});

test("a visitor's events are refused, and a client with a token of its own has to name it", async () => {
  const visitor = openPage(gateway, () => null);
  assert.equal(outcome(await visitor.track({ type: "login" })), "token_missing");
  assert.deepEqual([visitor.refused.length, visitor.sent], [1, []]);
  const supabase = createClient(gateway.url, gateway.publishableKey, { accessToken: async () => null });
  await assert.rejects(recsys(supabase).track({ type: "login" }), /recsys\(supabase, \{ accessToken \}\)/);
  const garbled = recsys(supabase, { accessToken: async () => "no token", onRefused: () => undefined });
  assert.equal(outcome(await garbled.track({ type: "login" })), "token_missing");
});

test("a page is told how many wait, and no more often than that changes", async () => {
  const page = openPage(gateway, people.eve);
  const told: number[] = [];
  const stop = page.watch(({ isOnline, unsent }) => void told.push(isOnline ? unsent.length : -1));
  page.network = noNetwork;
  const tracked = page.track(vote(1));
  await assert.rejects(page.flush());
  page.network = fetch;
  await tracked;
  await page.flush();
  assert.deepEqual(told, [0, 1, 0]);
  stop();
  await page.track(vote(3));
  assert.deepEqual(told, [0, 1, 0]);
});

test("a page is told of what waits before it could be sent, and of what another tab has sent meanwhile", async () => {
  const kept = storage();
  const before = openPage(gateway, people.eve, { storage: kept });
  before.network = noNetwork;
  void before.track(vote(1));
  await assert.rejects(before.flush());
  const hanging = openPage(gateway, people.eve, { storage: kept });
  hanging.network = () => new Promise(() => undefined);
  const told = Promise.withResolvers<void>();
  let unsent: Event[] = [];
  hanging.watch((connection) => {
    unsent = connection.unsent;
    if (unsent.length > 0) told.resolve();
  });
  await Promise.race([told.promise, setTimeout(5000, undefined, { ref: false })]);
  assert.deepEqual(
    unsent.map(({ type }) => type),
    ["vote"],
  );
  await openPage(gateway, people.eve, { storage: kept }).flush();
  let now: Event[] | undefined;
  hanging.watch((connection) => {
    now = connection.unsent;
  });
  assert.deepEqual(now, []);
});

for (const after of ["0", "99999999"])
  test(`whoever is told to come back after ${after} seconds does not ask without a pause`, async () => {
    const page = openPage(gateway, people.eve);
    page.network = later(after);
    void page.track(vote(1));
    await assert.rejects(page.flush(), { code: "overloaded" });
    const asked = page.sent.length;
    await setTimeout(500);
    assert.equal(page.sent.length, asked);
    page.network = fetch;
    await page.flush();
  });
