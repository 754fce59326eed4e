/** The functions behind a transaction pooler, which gives each transaction whatever connection is free. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import pg from "pg";
import { testDatabase, withoutPostgres } from "../../../db/testing.ts";
import { startPooler, withoutPooler } from "../../../db/testing-pooler.ts";
import { clear, fillCommunity, people, post, publishTinyModel, uuid } from "../../../testing/community.ts";
import { event, testApp as eventsApp } from "../events/testing.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "pooler");
const skip = (await withoutPostgres()) || withoutPooler();
/** Fewer than the three connections of each of three workers, so that these share them. */
const shared = 2;
const pooler = skip ? url : await startPooler({ after }, url, shared);
const workers = Array.from({ length: 3 }, () => testApp({ after }, pooler));
const events = eventsApp({ after }, pooler);
const readers = [people.ada, people.ben, people.eve];

before(async () => {
  await clear(pool);
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
});
beforeEach(() => limitTo(null));

async function limitTo(requests: number | null): Promise<void> {
  await pool.query("update recsys.settings set requests_per_minute = $1", [requests]);
}

async function feedOf(worker: (typeof workers)[number], reader: string) {
  const { status, body } = await worker.call(reader);
  return { status, posts: body.items?.map(({ post_id }) => post_id), basis: body.basis };
}

test("who shares connections gets their own feed", { skip }, async (t) => {
  const direct = testApp(t, url);
  const expected = new Map<string, unknown>();
  for (const reader of readers) expected.set(reader, await feedOf(direct, reader));
  assert.equal(new Set([...expected.values()].map((feed) => JSON.stringify(feed))).size, 3, "no two alike");
  // no more at the same time than a busy machine answers before they are too many
  for (let round = 0; round < 4; round++)
    await Promise.all(
      Array.from({ length: 24 }, async (_, i) => {
        const reader = readers[i % readers.length];
        assert.deepEqual(await feedOf(workers[Math.floor(i / 3) % workers.length], reader), expected.get(reader));
      }),
    );
  for (const worker of workers) {
    await worker.settled();
    assert.deepEqual(worker.logged, []);
  }
});

test("what people do is recorded as theirs", { skip }, async () => {
  const seen = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => {
      const reader = readers[i % readers.length];
      assert.deepEqual(await events.send(reader, event("view", { post_id: post(1 + i) })), ["stored"]);
      return { user_id: reader, post_id: post(1 + i) };
    }),
  );
  const { rows } = await pool.query("select user_id, post_id from public.post_views order by post_id");
  assert.deepEqual(rows, seen);
});

test("each request counts once, in a statement of its own ahead of the transaction", { skip }, async () => {
  await limitTo(10);
  const reader = uuid("ab", 1);
  await pool.query("insert into public.profiles (id) values ($1)", [reader]);
  const started = performance.now();
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => workers[i % 3].call(reader)));
  const served = answers.filter(({ status }) => status === 200).length;
  const more = Math.floor((performance.now() - started) / 6_000);
  assert.ok(served >= 10 && served <= 10 + more, `${served} of 60`);
  assert.ok(answers.every(({ status }) => status === 200 || status === 429));
});

test("a count that fails leaves the transaction behind it as it is", { skip }, async () => {
  await pool.query("alter function recsys_engine.consume_rate_limit rename to taken");
  try {
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => workers[i % 3].call(readers[i % 3])));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  } finally {
    await pool.query("alter function recsys_engine.taken rename to consume_rate_limit");
  }
});

test("nothing of a request stays on a connection", { skip }, async () => {
  for (const worker of workers) await worker.settled();
  const state = `select current_user as role, current_setting('request.jwt.claims', true) as claims,
    current_setting('statement_timeout') as statement, current_setting('idle_in_transaction_session_timeout') as idle,
    current_setting('synchronous_commit') as commit, (select count(*)::int from pg_prepared_statements) as prepared`;
  const { rows: fresh } = await pool.query(state);
  const clients = Array.from({ length: shared }, () => new pg.Client({ connectionString: pooler }));
  try {
    // all at the same time and each in a transaction, so that each has another connection
    for (const client of clients) await client.connect();
    for (const client of clients) await client.query("begin");
    for (const client of clients) {
      const { rows } = await client.query(state);
      assert.deepEqual({ ...rows[0], claims: rows[0].claims || null }, fresh[0]);
    }
  } finally {
    for (const client of clients) await client.end();
  }
});
