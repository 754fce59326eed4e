/** What an OpenTelemetry collector gets, and what happens to spans while it is down. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createApp, type Host, type UserFunction } from "./edge-function.ts";
import { AppError } from "./errors.ts";
import { createTraceExporter } from "./traces.ts";

interface Sent {
  path: string | undefined;
  key: string | string[] | undefined;
  spans: Record<string, string | number>[];
}

/** A collector that records requests and answers with a set status. */
async function collector() {
  const sent: Sent[] = [];
  const here = { status: 200 };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const [{ resource, scopeSpans }] = JSON.parse(body).resourceSpans;
    assert.deepEqual(resource.attributes, [{ key: "service.name", value: { stringValue: "feeds" } }]);
    sent.push({ path: request.url, key: request.headers["x-key"], spans: scopeSpans[0].spans });
    response.writeHead(here.status).end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // not closed in t.after(), which node:test of Deno 2.1 does not have
  server.unref();
  return { sent, here, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

function served(endpoint: string) {
  const logged: string[] = [];
  const kept: Promise<void>[] = [];
  const log = (code: string) => void logged.push(code);
  const keepAlive = (work: Promise<void>) => void kept.push(work);
  const measure: UserFunction<string> = {
    name: "measure",
    callers: "users",
    maximumBodyBytes: 1024,
    read: { POST: (body) => body },
    async answer(body, { span }) {
      const ended = span("work");
      if (body === "fail") throw new AppError(503, "database_timeout", "the database took too long");
      ended();
      return { length: body.length };
    },
  };
  const services = {
    verify: async (sub: string) => ({ sub, role: "authenticated" }),
    publishableKeys: [],
    origins: "*",
    log,
    keepAlive,
  };
  const traces = createTraceExporter({ endpoint, headers: "x-key=a%20b", service: "feeds" }, log, keepAlive);
  const app = createApp(measure, { ...services, traces } as unknown as Host);
  const post = async (body: string, more: Record<string, string> = {}) => {
    const headers = { authorization: "Bearer ada", "x-request-id": `id-${body}`, ...more };
    return (await app.request("/measure", { method: "POST", body, headers })).status;
  };
  return { app, post, logged, settled: () => Promise.all(kept) };
}

test("a request is a span with its parts, sent after a moment together with others", async () => {
  const { sent, endpoint } = await collector();
  const { post, logged, settled } = served(endpoint);
  const [trace, parent] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
  const before = Date.now();
  await post("well", { traceparent: `00-${trace}-${parent}-01` });
  await post("fail");
  await post("unsampled", { traceparent: `00-${trace}-${parent}-00` });
  await settled();
  assert.deepEqual([sent.length, sent[0].path, sent[0].key, logged], [1, "/v1/traces", "a b", ["database_timeout"]]);
  const [well, ...others] = sent[0].spans;
  assert.deepEqual(
    [well.name, well.traceId, well.parentSpanId, well.kind, well.status],
    ["measure", trace, parent, 2, undefined],
  );
  const [admission, work, failed] = others;
  assert.deepEqual([admission.name, work.name, failed.name], ["admission", "work", "measure"]);
  assert.deepEqual([work.traceId, work.parentSpanId], [trace, well.spanId]);
  const milliseconds = (nanoseconds: string | number) => Number(BigInt(nanoseconds) / 1_000_000n);
  assert.ok(Math.abs(milliseconds(well.startTimeUnixNano) - before) < 5_000);
  assert.ok(BigInt(well.endTimeUnixNano) >= BigInt(work.endTimeUnixNano));
  assert.match(`${failed.traceId} ${failed.spanId}`, /^[0-9a-f]{32} [0-9a-f]{16}$/);
  assert.deepEqual(failed.status, { code: 2 });
  assert.deepEqual(failed.attributes, [
    { key: "http.request.method", value: { stringValue: "POST" } },
    { key: "url.path", value: { stringValue: "/measure" } },
    { key: "http.response.status_code", value: { intValue: 503 } },
    { key: "recsys.request_id", value: { stringValue: "id-fail" } },
    { key: "error.type", value: { stringValue: "database_timeout" } },
  ]);
});

test("of a path as long as a header may be a span keeps the beginning", async () => {
  const { sent, endpoint } = await collector();
  const { app, settled } = served(endpoint);
  assert.equal((await app.request(`/measure/${"x".repeat(60_000)}`)).status, 404);
  await settled();
  const [, path] = sent[0].spans[0].attributes as unknown as { value: { stringValue: string } }[];
  assert.equal(path.value.stringValue, `/measure/${"x".repeat(191)}`);
});

test("while the collector is away, or refuses, spans are dropped, and no request notices", async () => {
  const { sent, here, endpoint } = await collector();
  here.status = 503;
  for (const address of [endpoint, "http://127.0.0.1:1", "no address"]) {
    const { post, logged, settled } = served(address);
    const started = performance.now();
    assert.equal(await post("well"), 200);
    assert.ok(performance.now() - started < 900);
    await settled();
    assert.deepEqual(logged, ["spans_dropped"]);
  }
  assert.equal(sent.length, 1);
  // more spans than may wait: each request has 3
  here.status = 200;
  const { post, logged, settled } = served(endpoint);
  await Promise.all(Array.from({ length: 15 }, () => post("well")));
  for (let n = 0; n < 1000; n++) await post("well");
  await settled();
  const spans = sent.slice(1).map((each) => each.spans.length);
  assert.ok(Math.max(...spans) <= 2_000, `${spans}`);
  assert.ok(logged.every((code) => code === "spans_dropped"));
});
