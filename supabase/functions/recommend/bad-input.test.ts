/** Everything that can be wrong with a request or behind it: each has a status and a stable code, and nothing hangs. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, beforeEach, type TestContext, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, publishTinyModel, tinyGraphs, uuid } from "../../../testing/community.ts";
import { testApp } from "./testing.ts";

const { pool, url, embedded } = await testDatabase({ after }, "bad_input");
const app = testApp({ after }, url);
const ada = { authorization: `Bearer ${people.ada}` };

test("requests that are wrong", async (t) => {
  before(() => fillCommunity(pool));
  const stranger = { authorization: `Bearer ${uuid("e", 1)}` };
  const post = (body: BodyInit, headers: HeadersInit = ada) => ({ method: "POST", body, headers });
  const table: [string, string, RequestInit, number, string][] = [
    ["no token", "/recommend", {}, 401, "token_missing"],
    ["no bearer", "/recommend", { headers: { authorization: "Basic YTpi" } }, 401, "token_invalid"],
    [
      "a bad token comes before a bad body",
      "/recommend",
      post("{", { authorization: "Bearer x" }),
      401,
      "token_invalid",
    ],
    ["someone without a profile", "/recommend", { headers: stranger }, 404, "unknown_user"],
    ["malformed JSON", "/recommend", post('{"limit": '), 400, "malformed_json"],
    ["not JSON at all", "/recommend", post(new Uint8Array([255, 254, 0])), 400, "malformed_json"],
    ["a wrong type", "/recommend", post('{"limit": "5"}'), 400, "invalid_limit"],
    ["limit 0", "/recommend", post('{"limit": 0}'), 400, "invalid_limit"],
    ["limit 10^9", "/recommend", post('{"limit": 1000000000}'), 400, "invalid_limit"],
    ["limit 10^9 in the query", "/recommend?limit=1000000000", { headers: ada }, 400, "invalid_limit"],
    ["half a post", "/recommend", post('{"limit": 1.5}'), 400, "invalid_limit"],
    ["an unknown field", "/recommend", post('{"user_id": "someone else"}'), 400, "unknown_field"],
    ["a body that is no object", "/recommend", post("[]"), 400, "invalid_body"],
    ["a body of 129 KB", "/recommend", post(`{"limit": 5${" ".repeat(129 * 1024)}}`), 413, "body_too_large"],
    [
      "the same in pieces",
      "/recommend",
      { ...post(pieces(129)), duplex: "half" } as RequestInit,
      413,
      "body_too_large",
    ],
    ["PUT", "/recommend", { method: "PUT", headers: ada }, 405, "method_not_allowed"],
    ["DELETE", "/recommend", { method: "DELETE", headers: ada }, 405, "method_not_allowed"],
    ["an unknown path", "/recommend/more", { headers: ada }, 404, "not_found"],
    ["another function's path", "/events", { headers: ada }, 404, "not_found"],
  ];
  for (const [name, path, init, status, code] of table)
    await t.test(name, async () => {
      await expectError(await app.request(path, init), status, code);
    });
  assert.equal((await app.call(people.ada, { limit: 5 })).status, 200, "the same app answers a good request");
  assert.equal((await app.request("/recommend/", { headers: ada })).status, 200, "with a slash at the end too");
  assert.deepEqual(app.logged, [], "none of this is the operator's concern");
});

test("browsers may call it from anywhere", async () => {
  const preflight = await app.request("/recommend", {
    method: "OPTIONS",
    headers: {
      origin: "https://app.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization, x-client-info, apikey, content-type",
    },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-origin"), "*");
  assert.match(preflight.headers.get("access-control-allow-headers") ?? "", /authorization.*apikey.*content-type/);
  const refused = await app.request("/recommend", { headers: { origin: "https://app.example" } });
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.get("access-control-allow-origin"), "*", "a website can read why it was refused");
});

test("models that cannot serve", async (t) => {
  beforeEach(async () => {
    await clear(pool);
    await fillCommunity(pool);
  });
  /** There is a feed all the same, and the operator reads what is wrong. */
  const refused = async (t: TestContext, code: string, message: RegExp) => {
    const app = testApp(t, url);
    const { status, body } = await app.call(people.ada);
    assert.deepEqual([status, body.model, body.items.length], [200, null, 20]);
    const [logged, ...others] = app.logged.map(({ code, cause }) => ({ code, message: (cause as Error).message }));
    assert.deepEqual([logged.code, others], [code, []]);
    assert.match(logged.message, message);
  };
  await t.test("a graph whose bytes are not the published ones", async (t) => {
    const id = await publishTinyModel(pool, { name: "tampered" });
    // the table itself refuses it; a restored or tampered table may not
    const { rows } = await pool.query(
      "select conname from pg_constraint where conrelid = 'recsys_engine.model_artifacts'::regclass and pg_get_constraintdef(oid) like '%sha256%'",
    );
    await pool.query(`alter table recsys_engine.model_artifacts drop constraint ${rows[0].conname}`);
    await pool.query(
      "update recsys_engine.model_artifacts set onnx = set_byte(onnx, 100, (get_byte(onnx, 100) + 1) % 256) where model_id = $1 and graph = 'dlrm'",
      [id],
    );
    await refused(t, "model_corrupt", /dlrm of model tampered fails its checksum/);
  });
  await t.test("a graph that is no ONNX", async (t) => {
    const graphs = { user_tower: new TextEncoder().encode("this is no graph") };
    await publishTinyModel(pool, { name: "text", graphs });
    await refused(t, "model_corrupt", /user_tower of model text cannot be loaded/);
  });
  await t.test("half a graph", async (t) => {
    const { rows } = await pool.query(
      "select substring(onnx, 1, length(onnx) / 2) as half from recsys_engine.model_artifacts where model_id = $1 and graph = 'dlrm'",
      [await publishTinyModel(pool, { name: "whole" })],
    );
    await publishTinyModel(pool, { name: "half", graphs: { dlrm: rows[0].half } });
    await refused(t, "model_corrupt", /dlrm of model half/);
  });
  await t.test("one graph in place of another", async (t) => {
    const id = await publishTinyModel(pool, { name: "swapped" });
    await pool.query(
      `update recsys_engine.model_artifacts as artifact set onnx = other.onnx, sha256 = other.sha256
       from recsys_engine.model_artifacts as other
       where artifact.model_id = $1 and other.model_id = $1 and artifact.graph = 'dlrm' and other.graph = 'post_tower'`,
      [id],
    );
    await refused(t, "model_corrupt", /dlrm of model swapped has other inputs/);
  });
  await t.test("a graph that is gone", async (t) => {
    const id = await publishTinyModel(pool, { name: "gone" });
    await pool.query("delete from recsys_engine.model_artifacts where model_id = $1 and graph = 'user_tower'", [id]);
    await refused(t, "model_corrupt", /user_tower of model gone is missing/);
  });
  await t.test("a model for other features", async (t) => {
    await publishTinyModel(pool, { name: "older", digest: "0".repeat(64) });
    await refused(t, "model_incompatible", /older was trained for other features/);
  });
  await t.test("and the next good one serves at once", async (t) => {
    await publishTinyModel(pool, { name: "older", digest: "0".repeat(64) });
    const app = testApp(t, url);
    assert.equal((await app.call(people.ada)).body.model, null);
    await publishTinyModel(pool, { name: "newer", graphs: { dlrm: largeGraph() } });
    assert.equal((await app.call(people.ada)).body.model?.name, "newer");
  });
});

/** A ranker that comes from the database in three pieces, since it has 300 KB of text (field 6 of ONNX's ModelProto). */
function largeGraph(): Uint8Array {
  const text = Uint8Array.from({ length: 300_000 }, (_, i) => 97 + (i % 26));
  const length = [0xe0, 0xa7, 0x12];
  return Uint8Array.from([...tinyGraphs().dlrm, 0x32, ...length, ...text]);
}

test("databases that do not answer", async (t) => {
  const silent = createServer(() => undefined);
  await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
  t.after(() => silent.close());
  const { port } = silent.address() as { port: number };
  const { host, username, password } = new URL(url);
  const table: [string, string][] = [
    ["nothing listens", "postgres://postgres:postgres@127.0.0.1:1/postgres"],
    ["no such host", "postgres://postgres:postgres@nowhere.invalid/postgres"],
    ["a port that never answers", `postgres://postgres:postgres@127.0.0.1:${port}/postgres`],
    ["no such database", `postgres://${username}:${password}@${host}/nowhere`],
  ];
  for (const [name, broken] of table)
    await t.test(
      name,
      { skip: embedded && name === "no such database" && "the embedded database is the only one of its server" },
      async (t) => {
        const app = testApp(t, broken);
        const started = performance.now();
        await expectError(await app.request("/recommend", { headers: ada }), 503, "database_unavailable");
        assert.ok(performance.now() - started < 5_000);
        assert.deepEqual(
          app.logged.map((each) => each.code),
          ["database_unavailable"],
        );
      },
    );
});

async function expectError(response: Response, status: number, code: string) {
  const text = await response.text();
  assert.equal(response.status, status, text);
  const body = JSON.parse(text) as { error: { code: string; message: string } };
  assert.deepEqual(Object.keys(body), ["error"]);
  assert.equal(body.error.code, code);
  assert.match(body.error.message, /^[^\n]{10,200}$/, "one clear line");
  assert.doesNotMatch(text, /\.ts:|node_modules| at .*\(/, "no stack trace");
  assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
  return body;
}

/** A body of this many KB that does not say its length. */
function pieces(kilobytes: number): ReadableStream {
  let left = kilobytes;
  return new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(new Uint8Array(1024).fill(32));
      else controller.close();
    },
  });
}
