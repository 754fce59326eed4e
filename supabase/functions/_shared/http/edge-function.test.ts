import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { projectApiKeys } from "./api-keys.ts";
import { createApp, type Host, type ServiceFunction, type UserFunction } from "./edge-function.ts";
import { AppError } from "./errors.ts";

const count = {
  code: "count_lost",
  async do(bodies: string[]) {
    if (bodies.includes("later")) throw new Error("no room");
  },
};

/** Answers with the body's length; the answer, or the work after it, fails if the body says so. */
const measure: UserFunction<string> = {
  name: "measure",
  callers: "users",
  maximumBodyBytes: 1024,
  read: { POST: (body) => body },
  async answer(body, { claims, afterAnswer }) {
    if (body === "refuse") throw new AppError(400, "invalid_body", "the body says refuse");
    if (body === "break") throw new Error("a secret of ours");
    afterAnswer(count, body);
    return { user: claims.sub, length: body.length };
  },
};

function served() {
  const logged: [code: string, message: string][] = [];
  const kept: Promise<void>[] = [];
  const services = {
    verify: async (token: string) => ({ sub: token, role: "authenticated" }),
    log: (code: string, cause: unknown) => logged.push([code, (cause as Error).message]),
    keepAlive: (work: Promise<void>) => kept.push(work),
    publishableKeys: ["sb_publishable_a", "anon.key.jwt"],
    origins: "*",
  } as unknown as Host;
  const app = createApp(measure, services);
  const post = async (body: string) =>
    await app.request("/measure", { method: "POST", body, headers: { authorization: "Bearer ada" } });
  return { app, services, post, logged, kept };
}

test("a function is what it reads and what it answers", async () => {
  const { post, logged, kept } = served();
  const response = await post("12345");
  assert.deepEqual([response.status, await response.json()], [200, { user: "ada", length: 5 }]);
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("recsys-api-version"), "1");
  assert.equal(
    response.headers.get("access-control-expose-headers"),
    "recsys-api-version,x-request-id,retry-after,server-timing",
  );
  await Promise.all(kept);
  assert.deepEqual([kept.length, logged], [1, []]);
});

test("a request is named in the answer and in the log: as the caller names it, or by a name of its own", async () => {
  const occasions: unknown[] = [];
  const { services } = served();
  const app = createApp(measure, { ...services, log: (_code, _cause, request) => occasions.push(request?.request_id) });
  const named = async (body: string, id?: string) => {
    const headers = { authorization: "Bearer ada", ...(id !== undefined && { "x-request-id": id }) };
    return (await app.request("/measure", { method: "POST", body, headers })).headers.get("x-request-id");
  };
  assert.equal(await named("12345", "mine-1"), "mine-1");
  assert.equal(await named("refuse", "mine-2"), "mine-2");
  assert.equal(await named("break", "mine-3"), "mine-3");
  const made = await named("break");
  assert.match(made ?? "", /^[0-9a-f-]{36}$/);
  for (const odd of ["", "a b", 'a"b', "x".repeat(65)])
    assert.match((await named("12345", odd)) ?? "", /^[0-9a-f-]{36}$/);
  assert.deepEqual(occasions, ["mine-3", made]);
});

test("a method that it does not read is refused, and the answer names those it reads", async () => {
  const { app } = served();
  const response = await app.request("/measure", { headers: { authorization: "Bearer ada" } });
  assert.deepEqual([response.status, response.headers.get("allow")], [405, "POST, OPTIONS"]);
  assert.deepEqual(await response.json(), { error: { code: "method_not_allowed", message: "call this with POST" } });
  const preflight = await app.request("/measure", {
    method: "OPTIONS",
    headers: { origin: "https://app.example", "access-control-request-method": "POST" },
  });
  assert.equal(preflight.headers.get("access-control-allow-methods"), "POST");
});

test("pages of other websites than those that are named cannot read the answers", async () => {
  const { services } = served();
  const app = createApp(measure, { ...services, origins: ["https://app.example", "https://www.app.example"] });
  const asked = async (origin: string, method = "POST") => {
    const headers = { origin, authorization: "Bearer ada", "access-control-request-method": "POST" };
    const body = method === "POST" ? "12345" : null;
    const response = await app.request("/measure", { method, headers, body });
    return [response.headers.get("access-control-allow-origin"), response.headers.get("vary")];
  };
  for (const method of ["POST", "OPTIONS"]) {
    for (const origin of ["https://app.example", "https://www.app.example"]) {
      const [allowed, vary] = await asked(origin, method);
      assert.equal(allowed, origin);
      assert.match(vary ?? "", /origin/i, "no cache gives one website's answer to another");
    }
    for (const origin of ["https://evil.example", "https://app.example.evil.example", "http://app.example", "null"])
      assert.equal((await asked(origin, method))[0], null, origin);
  }
});

test("nobody gets in without a token, and no body larger than the function allows", async () => {
  const { app, post } = served();
  assert.equal((await app.request("/measure", { method: "POST", body: "x" })).status, 401);
  const large = await post("x".repeat(1025));
  assert.deepEqual(
    [large.status, await large.json()],
    [413, { error: { code: "body_too_large", message: "the body is larger than 1 KB" } }],
  );
});

/** A request whose body never ends, and a function that breaks it off. */
function neverWhole(authorization?: string) {
  let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(begun) {
      stream = begun;
      begun.enqueue(new TextEncoder().encode("123"));
    },
  });
  const headers = authorization ? { authorization } : {};
  const init = { method: "POST", body, duplex: "half", headers } as RequestInit;
  return { init, breakOff: () => stream?.error(new Error("connection reset")) };
}

test("without a token nobody's body is waited for, however it comes", async () => {
  const { app } = served();
  assert.equal((await app.request("/measure", neverWhole().init)).status, 401);
});

test("bodies that never end take no place from anybody", async () => {
  const { app, post, logged } = served();
  const slow = Array.from({ length: 200 }, () => neverWhole("Bearer eve"));
  const asked = slow.map(({ init }) => app.request("/measure", init));
  await setImmediate();
  assert.equal((await post("12345")).status, 200);
  const first = await asked[0];
  assert.deepEqual([first.status, (await first.json()).error.code], [429, "overloaded"]);
  for (const { breakOff } of slow) breakOff();
  await Promise.all(asked);
  assert.ok(logged.every(([code]) => code === "overloaded"));
});

test("a body that breaks off is the caller's matter, and not the operator's", async () => {
  const { app, logged } = served();
  const { init, breakOff } = neverWhole("Bearer ada");
  const asked = app.request("/measure", init);
  breakOff();
  const broken = await asked;
  assert.deepEqual([broken.status, (await broken.json()).error.code, logged], [400, "malformed_json", []]);
});

test("a body whose length nobody says is as limited as any", async () => {
  const { app, logged } = served();
  const body = new Blob(["x".repeat(2000)]).stream();
  const init = { method: "POST", body, duplex: "half", headers: { authorization: "Bearer ada" } } as RequestInit;
  assert.equal((await app.request("/measure", init)).status, 413);
  assert.deepEqual(logged, []);
});

test("an error thrown on purpose is told to the caller, an unforeseen one is logged and kept from them", async () => {
  const { post, logged } = served();
  const refused = await post("refuse");
  assert.deepEqual([refused.status, (await refused.json()).error.code, logged], [400, "invalid_body", []]);
  const broken = await post("break");
  assert.equal(broken.status, 500);
  assert.doesNotMatch(await broken.text(), /secret/);
  assert.deepEqual(logged, [["internal", "a secret of ours"]]);
});

test("work after the answer may fail, and the answer is sent all the same", async () => {
  const { post, logged, kept } = served();
  assert.equal((await post("later")).status, 200);
  await Promise.all(kept);
  assert.deepEqual(logged, [["count_lost", "no room"]]);
});

test("who is gone before the answer leaves no work behind", async () => {
  const { app, kept } = served();
  const gone = new AbortController();
  const asked = app.request("/measure", {
    method: "POST",
    body: "12345",
    headers: { authorization: "Bearer ada" },
    signal: gone.signal,
  });
  gone.abort();
  await asked;
  assert.equal(kept.length, 0);
});

test("nor who asks for the headers alone", async () => {
  const { services, kept } = served();
  const app = createApp({ ...measure, read: { GET: () => "12345" } }, services);
  const asked = async (method: string) => {
    const response = await app.request("/measure", { method, headers: { authorization: "Bearer ada" } });
    return [response.status, await response.text(), kept.length];
  };
  assert.deepEqual(await asked("HEAD"), [200, "", 0]);
  assert.deepEqual(await asked("GET"), [200, '{"user":"ada","length":5}', 1]);
});

test("nor who leaves while the answer is computed, though the host hears of it only afterwards", async () => {
  const gone = new AbortController();
  const busy: UserFunction<string> = {
    ...measure,
    async answer(body, call, services) {
      setTimeout(() => gone.abort(), 1);
      for (const started = performance.now(); performance.now() - started < 20; );
      // like the ranker's graph, which runs outside the event loop
      await new Promise((ran) => setTimeout(ran, 1));
      return measure.answer(body, call, services);
    },
  };
  const { kept, services } = served();
  const init = { method: "POST", body: "12345", headers: { authorization: "Bearer ada" }, signal: gone.signal };
  await createApp(busy, services).request("/measure", init);
  assert.equal(kept.length, 0);
});

test("what is for the project itself is open to its secret keys, and to no user", async () => {
  const count: ServiceFunction<string> = {
    name: "count",
    callers: "service",
    maximumBodyBytes: 1024,
    read: { POST: (body) => body },
    answer: async (body) => ({ length: body.length }),
  };
  const called = async (headers: Record<string, string>, secretKeys = ["sb_secret_a", "sb_secret_b"]) => {
    const services = { secretKeys, origins: "*", verify: async () => ({ sub: "ada", role: "authenticated" }) };
    const app = createApp(count, services as unknown as Host);
    const response = await app.request("/count", { method: "POST", body: "12345", headers });
    const { error, length } = await response.json();
    return [response.status, error?.code ?? length];
  };
  assert.deepEqual(await called({ apikey: "sb_secret_a" }), [200, 5]);
  assert.deepEqual(await called({ apikey: "sb_secret_b" }), [200, 5]);
  for (const headers of [{}, { apikey: "" }, { authorization: "Bearer ada" }, { authorization: "Bearer sb_secret_a" }])
    assert.deepEqual(await called(headers as Record<string, string>), [401, "key_missing"]);
  for (const apikey of ["sb_secret_", "sb_secret_ab", "sb_publishable_a", "undefined"])
    assert.deepEqual(await called({ apikey }), [401, "key_invalid"], apikey);
  assert.deepEqual(await called({ apikey: "x" }, []), [401, "key_invalid"], "a project that names no key");
  assert.deepEqual(await called({ apikey: "x" }, [""]), [401, "key_invalid"]);
});

test("the platform names its secret keys in JSON, an older project has one", () => {
  assert.deepEqual(projectApiKeys('{"default": "sb_secret_a", "cron": "sb_secret_b"}', "jwt"), [
    "sb_secret_a",
    "sb_secret_b",
    "jwt",
  ]);
  assert.deepEqual(projectApiKeys(undefined, undefined), []);
  assert.deepEqual(projectApiKeys("", ""), []);
});

test("who has not signed in is a visitor where a function answers those, known by a publishable key", async () => {
  const { app, services } = served();
  const open = createApp(
    { ...measure, answerVisitor: async (body: string) => ({ visitor: true, length: body.length }) },
    services,
  );
  const called = async (app: typeof open, headers: Record<string, string>) => {
    const response = await app.request("/measure", { method: "POST", body: "12345", headers });
    const { user, visitor, error } = await response.json();
    return user ?? visitor ?? error.code;
  };
  // supabase-js sends the key in both headers
  const key = { authorization: "Bearer sb_publishable_a", apikey: "sb_publishable_a" };
  assert.equal(await called(open, key), true);
  assert.equal(await called(open, { authorization: "bearer anon.key.jwt" }), true);
  assert.equal(await called(open, { apikey: "sb_publishable_a" }), true);
  assert.equal(await called(open, { ...key, authorization: "Bearer ada" }), "ada", "a user is no visitor");
  assert.equal(await called(open, {}), "token_missing");
  for (const other of [{ apikey: "sb_publishable_b" }, { authorization: "Bearer sb_publishable_b" }])
    assert.equal(await called(open, other), "key_invalid");
  assert.equal(await called(open, { apikey: "" }), "token_missing");
  assert.equal(await called(app, { apikey: "sb_publishable_a" }), "token_missing", "where nobody answers visitors");
});
