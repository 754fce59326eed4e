/** The function under the real Deno, over HTTP, called with supabase-js as an app would. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createClient, FunctionsHttpError } from "@supabase/supabase-js";
import { testDatabase } from "../db/testing.ts";
import { freePort } from "../db/testing-process.ts";
import { userToken } from "../supabase/functions/_local/user-token.ts";
import { cursorAfter, maxServedPosts } from "../supabase/functions/_shared/recommend/request/cursor.ts";
import { fillCommunity, people, publishTinyModel } from "../testing/community.ts";
import { startGateway } from "./gateway.ts";
import { signingKey } from "./signing-key.ts";

const { pool, url: databaseUrl } = await testDatabase({ after }, "gateway");
await fillCommunity(pool);
const folder = await mkdtemp(join(tmpdir(), "recsys-"));
after(() => rm(folder, { recursive: true }));
const lines: string[] = [];
const gateway = await startGateway({ databaseUrl, port: 0, folder, onLog: (line) => lines.push(line) });
after(() => gateway.stop());

function clientOf(accessToken: () => Promise<string>) {
  return createClient(gateway.url, gateway.publishableKey, { accessToken });
}

async function errorOf({ error }: { error: unknown }) {
  assert.ok(error instanceof FunctionsHttpError, `${error}: ${(error as { context?: unknown })?.context}`);
  const response: Response = error.context;
  return { status: response.status, ...(await response.json()).error };
}

test("supabase-js gets the community's feed, then the model's", async () => {
  const supabase = clientOf(() => gateway.tokenOf(people.ada));
  const without = await supabase.functions.invoke("recommend");
  assert.ifError(without.error);
  assert.deepEqual([without.data.model, without.data.basis, without.data.items.length], [null, "community", 20]);
  const id = await publishTinyModel(pool, { name: "tiny" });
  const { data, error } = await supabase.functions.invoke("recommend", { body: { limit: 5 } });
  assert.ifError(error);
  assert.deepEqual([data.model, data.basis, data.items.length], [{ id, name: "tiny" }, "history", 5]);
  const [first] = data.items;
  assert.match(first.request_id ?? data.request_id, /^[0-9a-f-]{36}$/);
  assert.deepEqual(Object.keys(first).sort(), [
    "app_id",
    "author_id",
    "created_at",
    "excerpt",
    "position",
    "post_id",
    "predictions",
    "score",
    "source",
    "tags",
    "title",
    "topic",
    "why",
  ]);
  assert.ok(Math.abs(first.predictions.view - 1 / (1 + Math.exp(-1))) < 1e-4);
  const get = await supabase.functions.invoke("recommend?limit=2", { method: "GET" });
  assert.equal(get.data.items.length, 2);
});

test("what was shown reaches the exposure log", async () => {
  const { data } = await clientOf(() => gateway.tokenOf(people.ben)).functions.invoke("recommend", {
    body: { limit: 7 },
  });
  const logged = async () =>
    (await pool.query("select from recsys.impressions where request_id = $1", [data.request_id])).rowCount;
  for (let tries = 0; tries < 50 && (await logged()) !== 7; tries++)
    await new Promise((later) => setTimeout(later, 20));
  assert.equal(await logged(), 7);
});

test("the functions know the token of an operator who only looks, and log no impressions", async () => {
  const preview = clientOf(() => gateway.tokenOf(people.ben, { preview: true }));
  const { data } = await preview.functions.invoke("recommend", { body: { limit: 3 } });
  assert.equal(data.items.length, 3);
  // an impression would be written before the one of a request that follows
  const { data: seen } = await clientOf(() => gateway.tokenOf(people.ben)).functions.invoke("recommend");
  const logged = async (request: string) =>
    (await pool.query("select from recsys.impressions where request_id = $1", [request])).rowCount;
  for (let tries = 0; tries < 50 && (await logged(seen.request_id)) === 0; tries++)
    await new Promise((later) => setTimeout(later, 20));
  assert.deepEqual([await logged(data.request_id), await logged(seen.request_id)], [0, 20]);
});

test("supabase-js gets a visitor's feed before anybody has signed in", async () => {
  const signedOut = createClient(gateway.url, gateway.publishableKey);
  const { data, error } = await signedOut.functions.invoke("recommend", { body: { limit: 4, interests: ["chess"] } });
  assert.equal(error, null);
  assert.deepEqual([data.items.length, data.basis], [4, "profile"]);
});

test("supabase-js is told why it is refused", async () => {
  const ada = clientOf(() => gateway.tokenOf(people.ada));
  const refused = await errorOf(await ada.functions.invoke("recommend", { body: { limit: 0 } }));
  assert.deepEqual([refused.status, refused.code], [400, "invalid_limit"]);
  const signedOut = createClient(gateway.url, gateway.publishableKey);
  const unknown = await errorOf(await signedOut.functions.invoke("events", { body: { events: [] } }));
  assert.deepEqual([unknown.status, unknown.code], [401, "token_missing"]);
  const other = await mkdtemp(join(folder, "other-"));
  const forged = clientOf(async () => userToken(await signingKey(other), gateway.url, people.ada));
  const forgery = await errorOf(await forged.functions.invoke("recommend"));
  assert.deepEqual([forgery.status, forgery.code], [401, "token_invalid"]);
  const missing = await errorOf(await ada.functions.invoke("no-such-function"));
  assert.deepEqual([missing.status, missing.code], [404, "not_found"]);
});

test("supabase-js is told when to come again", async () => {
  await pool.query("update recsys.settings set requests_per_minute = 2");
  try {
    const eve = clientOf(() => gateway.tokenOf(people.eve));
    const errors: unknown[] = [];
    for (let n = 0; n < 3; n++) errors.push((await eve.functions.invoke("recommend")).error);
    assert.deepEqual(errors.slice(0, 2), [null, null]);
    const { context } = errors[2] as { context: Response };
    assert.deepEqual([context.status, (await context.json()).error.code], [429, "too_many_requests"]);
    assert.match(context.headers.get("retry-after") ?? "", /^([1-9]|[12]\d|30)$/);
  } finally {
    await pool.query("update recsys.settings set requests_per_minute = 120");
  }
});

test("32 concurrent calls are all answered", async () => {
  const supabase = clientOf(() => gateway.tokenOf(people.ada));
  const answers = await Promise.all(Array.from({ length: 32 }, () => supabase.functions.invoke("recommend")));
  for (const { data, error } of answers) {
    assert.ifError(error);
    assert.equal(data.items.length, 20);
  }
  assert.equal(new Set(answers.map(({ data }) => data.request_id)).size, 32);
});

test("a second gateway keeps the signing key, which nobody else may read, and ends in order", async () => {
  const { mode } = await stat(join(folder, "signing-key.json"));
  assert.equal(mode & 0o777, 0o600);
  const again = await startGateway({ databaseUrl, port: 0, folder, onLog: () => undefined });
  // by the key that the first one made
  const token = await userToken(await signingKey(folder), again.url, people.ada);
  const supabase = createClient(again.url, "key", { accessToken: async () => token });
  const { data, error } = await supabase.functions.invoke("recommend");
  const started = performance.now();
  await again.stop();
  assert.ifError(error);
  assert.ok(performance.now() - started < 4_500, "nothing holds it up");
  // stopped right after the answer, it still wrote what it had to
  const { rowCount } = await pool.query("select from recsys.impressions where request_id = $1", [data.request_id]);
  assert.equal(rowCount, 20);
});

test("requests that arrive while it starts are answered as later ones are", async (t) => {
  const site = join(folder, "site");
  await mkdir(site);
  await writeFile(join(site, "index.html"), "<title>Feed</title>");
  // a function that loads slowly, as all do at a first start
  const slow = "await new Promise((later) => setTimeout(later, 300)); Deno.serve(() => new Response());";
  await writeFile(join(site, "index.ts"), slow);
  const only = relative(fileURLToPath(new URL("../supabase/functions", import.meta.url)), site);
  const port = await freePort();
  const starting = startGateway({ databaseUrl, port, folder, site, only, onLog: () => undefined });
  t.after(async () => (await starting).stop());
  const paths = ["/", "/health", "/auth/v1/.well-known/jwks.json", "/no-such-page"];
  const statuses = paths.map((path) => statusOnceItListens(`http://127.0.0.1:${port}${path}`, starting));
  await starting;
  assert.deepEqual(await Promise.all(statuses), [200, 200, 200, 404]);
});

test("a taken port is one clear line", async (t) => {
  const squatter = createServer();
  await new Promise<void>((listening) => squatter.listen(0, "127.0.0.1", listening));
  t.after(() => squatter.close());
  const { port } = squatter.address() as { port: number };
  await assert.rejects(startGateway({ databaseUrl, port, folder, onLog: () => undefined }), {
    message: `port ${port} is taken: stop what listens there, or give another --port`,
  });
});

test("null in an optional field gives the answer without that field", async () => {
  const supabase = clientOf(() => gateway.tokenOf(people.ada));
  const answerTo = async (name: string, body: object) => {
    const { data, error } = await supabase.functions.invoke(name, { body });
    assert.ifError(error);
    // these are new in each answer
    const { request_id: _, made_at: __, next: ___, ...answer } = data;
    return answer;
  };
  const filter = { tags: null, author_ids: null, max_age_days: null, languages: null };
  const nulls = { limit: null, mode: null, after: null, filter, interests: null, query: null, candidates: null };
  const similar = { post_id: (await answerTo("recommend", {})).items[0].post_id };
  const event = { id: crypto.randomUUID(), type: "login" };
  const pairs: [string, object, object][] = [
    ["recommend", { filter: {} }, { ...nulls, count_since: null }],
    ["similar", similar, { ...similar, find: null, limit: null }],
    ["ideas", {}, { limit: null }],
  ];
  for (const [name, without, withNulls] of pairs) {
    const [one, other] = [await answerTo(name, without), await answerTo(name, withNulls)];
    assert.deepEqual(Object.keys(other), Object.keys(one), name);
    // scores of a feed move with the time
    const ofItems = ({ items }: { items: { post_id?: string }[] }) => items.map(({ post_id }) => post_id);
    assert.deepEqual(ofItems(other), ofItems(one), name);
  }
  const { events } = await answerTo("events", { events: [{ ...event, occurred_at: null }] });
  assert.deepEqual(events, [{ id: event.id, status: "stored" }]);
});

test("a cursor behind 1,999 posts goes by GET and by POST", async () => {
  const keys = Array.from({ length: maxServedPosts - 1 }, (_, i) => (i * 2_147_483) % 2 ** 32);
  const after = cursorAfter({ seed: 1n, keys: [], folded: 0 }, keys) ?? assert.fail("the feed ended");
  assert.ok(after.length > 10_600, `${after.length} characters`);
  const supabase = clientOf(() => gateway.tokenOf(people.ada));
  const byGet = await supabase.functions.invoke(`recommend?limit=5&after=${after}`, { method: "GET" });
  assert.ifError(byGet.error);
  const byPost = await supabase.functions.invoke("recommend", { body: { limit: 5, after } });
  assert.ifError(byPost.error);
  for (const { data } of [byGet, byPost]) assert.deepEqual([data.items[0].position, data.next], [2000, null]);
});

test("none of this put a line into the log", () => {
  assert.deepEqual(lines, []);
});

/** Asks again and again until something listens there, or nothing ever will. */
async function statusOnceItListens(url: string, starting: Promise<unknown>): Promise<number | undefined> {
  let isStarting = true;
  const over = () => {
    isStarting = false;
  };
  starting.then(over, over);
  for (;;) {
    try {
      const response = await fetch(url);
      await response.arrayBuffer();
      return response.status;
    } catch (error) {
      if (!isStarting) return undefined;
      if ((error as Error & { cause?: { code?: string } }).cause?.code !== "ECONNREFUSED") throw error;
    }
  }
}
