/** Far more than a worker can serve, all at the same time, while the database is slow: most are told so immediately, the others get their feed. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { testDatabase, withOneSession } from "../../../db/testing.ts";
import { fillCommunity, people, publishTinyModel } from "../../../testing/community.ts";
import { minAdmittedRequests } from "../_shared/http/admission-control.ts";
import { feed } from "../_shared/recommend/request/feed-schema.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "overload");
const skip = await withOneSession();
const app = testApp({ after }, url);
const users = [people.ada, people.ben, people.eve, people.author];

before(async () => {
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("update recsys.settings set requests_per_minute = null");
});

/** So many at the same time, as a host hands them over: some at each turn. How long each took, in milliseconds, and its answer. */
async function atOnce(many: number) {
  const asked = [];
  for (let n = 0; n < many; n++) {
    asked.push(answerTo(users[n % users.length]));
    if (n % 10 === 9) await setImmediate();
  }
  return await Promise.all(asked);
}

async function answerTo(user: string) {
  const request = new Request("http://localhost/recommend", { headers: { authorization: `Bearer ${user}` } });
  const started = performance.now();
  const response = await app.fetch(request);
  const took = performance.now() - started;
  return {
    took,
    status: response.status,
    retryAfter: response.headers.get("retry-after"),
    body: await response.json(),
  };
}

test("500 at the same time while every query takes a tenth of a second", { skip }, async (t) => {
  for (const _ of Array(3)) await atOnce(minAdmittedRequests);
  const whole = feed.parse((await app.call(people.ada)).body);
  const context = "recsys_engine.user_context(uuid, bigint, timestamptz)";
  const { rows } = await pool.query("select pg_get_functiondef($1::regprocedure) as definition", [context]);
  const [{ definition }] = rows;
  await pool.query(definition.replace("\nbegin\n", "\nbegin\n  perform pg_sleep(0.1);\n"));
  try {
    // the pace of slow queries is known after a few
    await atOnce(minAdmittedRequests);
    const answers = await atOnce(500);
    const shed = answers.filter(({ body }) => body.error?.code === "overloaded");
    const served = answers.filter(({ status }) => status === 200);
    const others = answers.filter((answer) => !shed.includes(answer) && !served.includes(answer));
    // a busy machine may be slower than it was a moment ago; then the last in line are given up
    assert.ok(others.length <= minAdmittedRequests, JSON.stringify(others[0]));
    for (const { body } of others) assert.match(body.error.code, /^database_/);
    assert.ok(served.length > 0 && shed.length >= 400, `${served.length} served, ${shed.length} shed`);
    for (const { status, retryAfter } of shed) assert.ok(status === 429 && Number(retryAfter) >= 1);
    for (const { body } of served) assert.deepEqual([body.degraded, body.model.name], [null, "tiny"]);
    const times = shed.map(({ took }) => took).sort((a, b) => a - b);
    const median = times[times.length >> 1];
    t.diagnostic(
      `${shed.length} shed, median ${median.toFixed(1)} ms, slowest ${times[times.length - 1].toFixed(1)} ms`,
    );
    const [fastest, ...slower] = served.map(({ took }) => took).sort((a, b) => a - b);
    t.diagnostic(`${served.length} served, after ${fastest.toFixed(0)} to ${(slower.at(-1) ?? fastest).toFixed(0)} ms`);
    assert.ok(median < fastest / 2, `half are shed after ${median} ms, the first is served after ${fastest} ms`);
  } finally {
    await pool.query(definition);
  }
  const after = feed.parse((await app.call(people.ada)).body);
  assert.deepEqual(
    after.items,
    whole.items.map((item, i) => ({ ...item, score: after.items[i].score, predictions: after.items[i].predictions })),
  );
});

test("as many concurrent clients as are always taken on are never sent away", { skip }, async () => {
  for (let round = 0; round < 5; round++)
    for (const { body } of await atOnce(minAdmittedRequests)) assert.notEqual(body.error?.code, "overloaded");
});
