/** Whether a post exists that one may not read cannot be found out by acting on it: neither by the answer nor by the work it takes. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people, post, uuid } from "../../../testing/community.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "unreadable_posts");
const numbers = Array.from({ length: 500 }, (_, n) => n);
const hidden = numbers.map((n) => uuid("ee", n));
const missing = numbers.map((n) => uuid("ef", n));

before(async () => {
  await fillCommunity(pool);
  await pool.query(
    `insert into public.posts (id, author_id, title, visibility)
     select id, $2::uuid, 'hidden', 'private' from unnest($1::uuid[]) as id
     union all select gen_random_uuid(), $2::uuid, 'shown', 'public' from generate_series(1, 20000)`,
    [hidden, people.author],
  );
  await pool.query("analyze public.posts");
});

const kinds: [string, object][] = [
  ["view", { value: 3 }],
  ["vote", { value: 1 }],
  ["vote", { value: -1 }],
  ["vote", { value: 0 }],
  ["comment", { body: "hello" }],
  ["dismiss", {}],
  ["dismiss", { value: 0 }],
  ["seen", { request_id: uuid("ed", 1) }],
];

/** A batch of one kind, the same ids of events for all posts. */
function batchOn(posts: string[], [type, fields]: [string, object], first = 0) {
  return posts.map((post_id, n) => ({ id: uuid("ec", first + n), type, post_id, ...fields }));
}

test("status, body and headers are the same, first time and again", async (t) => {
  const app = testApp(t, url);
  const answer = async (posts: string[], kind: [string, object], user: string) => {
    const response = await app.request("/events", {
      method: "POST",
      headers: { authorization: `Bearer ${user}`, origin: "https://app.example" },
      body: JSON.stringify({ events: batchOn(posts, kind) }),
    });
    // how long it took and how the log names it is another each time
    response.headers.delete("server-timing");
    response.headers.delete("x-request-id");
    return [response.status, await response.text(), [...response.headers]];
  };
  for (const kind of kinds)
    for (const round of [1, 2]) {
      // two people of whom the database knows the same, since a batch may be known from before
      const one = await answer(hidden.slice(0, 5), kind, people.ben);
      const other = await answer(missing.slice(0, 5), kind, people.eve);
      assert.deepEqual(one, other, `${kind[0]}, time ${round}`);
    }
  const { rows } = await pool.query("select count(*)::int as n from public.post_views where post_id = any($1)", [
    hidden,
  ]);
  assert.equal(rows[0].n, 0);
});

test("alone and together with a good one, they are refused alike", async (t) => {
  const app = testApp(t, url);
  const outcomes = async (bad: string, n: number) =>
    await app.send(
      people.ben,
      { id: uuid("eb", n), type: "view", post_id: post(1) },
      { id: uuid("eb", n + 1), type: "view", post_id: bad },
    );
  assert.deepEqual(await outcomes(hidden[0], 0), ["stored", "unknown_post"]);
  assert.deepEqual(await outcomes(missing[0], 10), ["stored", "unknown_post"]);
});

test("the database does the same work: it touches as many pages, but for the row itself", async () => {
  const client = await pool.connect();
  try {
    const pages = async (posts: string[], kind: [string, object]): Promise<number> => {
      await client.query("begin");
      await client.query(
        "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)",
        [JSON.stringify({ sub: people.ben, role: "authenticated" })],
      );
      const events = JSON.stringify(batchOn(posts, kind, 1000));
      const { rows } = await client.query(
        `explain (analyze, buffers, format json) select recsys_engine.record_events('${events}'::jsonb)`,
      );
      await client.query("rollback");
      const [{ Plan: plan }] = rows[0]["QUERY PLAN"];
      return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
    };
    for (const kind of kinds) {
      // plans and catalogs are read first
      for (let n = 0; n < 7; n++) await pages(n % 2 ? hidden : missing, kind);
      const [one, other] = [await pages(hidden, kind), await pages(missing, kind)];
      assert.ok(one >= hidden.length / 10, `${one}: it looked for them`);
      assert.ok(Math.abs(one - other) <= 1.1 * hidden.length, `${kind[0]}: ${one} and ${other} pages for 500 events`);
    }
  } finally {
    client.release();
  }
});
