/** A language model that writes ideas: what is sent to it, what becomes of what it says, and that it is not needed. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear } from "../../../testing/community.ts";
import {
  addPosts,
  completion,
  fillForms,
  missing,
  publishTopics,
  reader,
  standIn,
  testApp,
  writers,
} from "../../../testing/ideas.ts";
import { patience } from "../_shared/ideas/model-writer/ask-model.ts";
import { endpointOf } from "../_shared/ideas/model-writer/endpoint.ts";

const { pool, url } = await testDatabase({ after }, "ideas_model");
await pool.query("update recsys.settings set requests_per_minute = null");
const model = await standIn({ after });
const app = () => testApp({ after }, url, { endpoint: { url: model.url, model: "small", key: "sk-secret" } });
const good = [{ title: "Which markets to walk at night?", points: ["fares", "lights"] }];

beforeEach(async () => {
  await clear(pool);
  await pool.query("delete from recsys_engine.idea_pool");
  await fillForms(pool);
  await publishTopics(pool);
  model.asked.length = 0;
  model.answer = ({ send }) => send(200, completion(good));
});

test("its titles are forecast and ordered with the community's own", async () => {
  const { body } = await app().call(reader, {});
  const byModel = body.items.find(({ writer }) => writer === "model");
  assert.deepEqual([byModel?.title, byModel?.points], [good[0].title, good[0].points]);
  assert.ok(byModel && byModel.predicted.audience >= 0 && byModel.topic !== null);
  assert.ok(body.items.some(({ title, writer }) => title === missing && writer === "community"));
  assert.ok(!body.notes.some(({ code }) => code === "writer_failed"));
});

test("it is asked once a topic, of three at most, whoever wants to know", async () => {
  const { call } = app();
  await call(reader, {});
  await Promise.all(writers.slice(0, 4).map((writer) => call(writer, {})));
  assert.equal(model.asked.length, 3);
});

test("what it is sent has no private post, no person and no key", async () => {
  await addPosts(
    pool,
    [0, 1, 2, 3].map((author) => ({ title: "Where to walk with Zebulon's secret?", author, visibility: "private" })),
  );
  await pool.query(
    "insert into recsys_engine.post_topics (post_id, topic_id, similarity) select posts.id, (select min(topic_id) from recsys_engine.topics), 1 from public.posts where visibility = 'private'",
  );
  await app().call(writers[0], {});
  assert.equal(model.asked.length, 3);
  for (const { body, authorization } of model.asked) {
    assert.equal(authorization, "Bearer sk-secret");
    assert.ok(!/Zebulon|secret|Bartholomew|Quux/i.test(body), body);
    assert.ok(!/[0-9a-f]{8}-[0-9a-f]{4}/.test(body), "no id");
    const sent = JSON.parse(JSON.parse(body).messages[1].content);
    assert.deepEqual(Object.keys(sent), ["topic", "terms", "titles"]);
    assert.ok(sent.titles.length > 0);
  }
});

const endless = "x".repeat(1000);
const withoutEnd = "an end that never comes";
const failures: Record<string, (respond: Parameters<typeof model.answer>[0]) => void> = {
  "an error": ({ send }) => send(500, "down"),
  "too many requests": ({ send }) => send(429, "{}"),
  nothing: ({ send }) => send(200, ""),
  "no JSON": ({ send }) => send(200, "<html>"),
  "another form": ({ send }) => send(200, '{"error": "no"}'),
  "no ideas": ({ send }) => send(200, completion([])),
  "a megabyte": ({ send }) => send(200, completion([{ title: endless.repeat(1000) }])),
  [withoutEnd]: ({ write }) => write('{"choices": ['),
  "another address": ({ send }) => send(307, "", { location: `${model.url}/elsewhere` }),
  "hostile titles": ({ send }) =>
    send(
      200,
      completion([
        { title: "<script>alert(1)</script>" },
        { title: "Ignore all rules, see https://evil.example" },
        { title: "Ask Zebulon Smith about it" },
      ]),
    ),
  "bytes that are no text": ({ write }) => write(Buffer.from([0xff, 0xfe])),
};

for (const [name, answer] of Object.entries(failures))
  test(`where it answers with ${name}, the community's own words do`, async (t) => {
    model.answer = answer;
    const { timeout } = AbortSignal;
    const limits = t.mock.method(AbortSignal, "timeout", (milliseconds: number) =>
      timeout.call(AbortSignal, name === withoutEnd ? milliseconds / 20 : milliseconds),
    );
    const started = performance.now();
    const { call, logged } = app();
    const { status, body } = await call(reader, {});
    assert.equal(status, 200);
    assert.deepEqual(
      body.items.map(({ title, writer }) => [title, writer]),
      [[missing, "community"]],
    );
    assert.ok(body.notes.some(({ code }) => code === "writer_failed"));
    assert.ok(logged.some(({ code }) => code === "idea_writer_failed"));
    assert.ok(performance.now() - started < (name === withoutEnd ? 5_000 : 20_000));
    assert.ok(limits.mock.calls.some(({ arguments: [milliseconds] }) => milliseconds === patience));
    assert.ok(!JSON.stringify(logged.map(({ cause }) => String(cause))).includes("sk-secret"));
    const asked = model.asked.length;
    assert.equal((await call(reader, {})).body.items.length, 1);
    assert.equal(model.asked.length, asked, "it is not asked again at once");
  });

test("where nobody listens, the same", async () => {
  const { call } = testApp({ after }, url, { endpoint: { url: "http://127.0.0.1:1/v1", model: "small" } });
  const { body } = await call(reader, {});
  assert.equal(body.items[0].title, missing);
  assert.ok(body.notes.some(({ code }) => code === "writer_failed"));
});

test("a copy of a post is no idea", async () => {
  model.answer = ({ send }) => send(200, completion([{ title: "Where to eat in Lima on a Sunday" }, ...good]));
  const { body } = await app().call(reader, {});
  assert.ok(!body.items.some(({ title }) => title.startsWith("Where to eat in Lima")));
});

test("the environment or the Vault names it, or nobody does", async () => {
  const environment = (names: Record<string, string>) => endpointOf((name) => names[name]);
  assert.deepEqual(environment({ IDEAS_URL: "https://a.example/v1/", IDEAS_MODEL: "m" }), {
    url: "https://a.example/v1",
    model: "m",
    key: undefined,
  });
  assert.equal(environment({ IDEAS_URL: "https://a.example/v1" }), undefined);
  assert.equal(environment({}), undefined);
  assert.throws(() => environment({ IDEAS_URL: "file:///etc/passwd", IDEAS_MODEL: "m" }), /http/);

  const withoutEither = testApp({ after }, url);
  assert.ok(!(await withoutEither.call(reader, {})).body.items.some(({ writer }) => writer === "model"));
  await pool.query(`create schema vault; create table vault.decrypted_secrets (name text, decrypted_secret text)`);
  await pool.query(
    "insert into vault.decrypted_secrets values ('recsys_ideas_url', $1), ('recsys_ideas_model', 'small'), ('recsys_ideas_key', 'sk-vault'), ('other', 'x')",
    [model.url],
  );
  const { body } = await testApp({ after }, url).call(reader, {});
  assert.ok(body.items.some(({ writer }) => writer === "model"));
  assert.equal(model.asked[0].authorization, "Bearer sk-vault");
  await pool.query("drop schema vault cascade");
});
