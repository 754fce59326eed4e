/** What people do changes their very next feed: both functions under the real Deno, over HTTP, with supabase-js. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { createClient } from "@supabase/supabase-js";
import { testDatabase } from "../db/testing.ts";
import { clear, fillCommunity, people, post, publishTinyModel } from "../testing/community.ts";
import { startGateway } from "./gateway.ts";

const { pool, url: databaseUrl } = await testDatabase({ after }, "gateway_events");
const folder = await mkdtemp(join(tmpdir(), "recsys-"));
after(() => rm(folder, { recursive: true }));
const lines: string[] = [];
const gateway = await startGateway({ databaseUrl, port: 0, folder, onLog: (line) => lines.push(line) });
after(() => gateway.stop());
beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
});

const supabase = createClient(gateway.url, gateway.publishableKey, { accessToken: () => gateway.tokenOf(people.ben) });

async function feed(): Promise<{ request_id: string; basis: string; posts: string[] }> {
  const { data, error } = await supabase.functions.invoke("recommend", { body: { limit: 100 } });
  assert.ifError(error);
  const posts = data.items.map((item: { post_id: string }) => item.post_id);
  return { request_id: data.request_id, basis: data.basis, posts };
}

/** Sends one event; what became of it. */
async function send(type: string, fields: object): Promise<string> {
  const events = [{ id: crypto.randomUUID(), type, ...fields }];
  const { data, error } = await supabase.functions.invoke("events", { body: { events } });
  assert.ifError(error);
  const [{ status, code }] = data.events;
  return code ?? status;
}

/** How many of the first ten posts are about the topic of the even ones; without a history the tiny model shows odd ones. */
const even = (posts: string[]) => posts.slice(0, 10).filter((id) => Number(id.slice(-2)) % 2 === 0).length;

test("after a vote on a topic its posts rise, and after it is taken back they fall", async () => {
  const before = await feed();
  assert.deepEqual([before.basis, even(before.posts)], ["profile", 0]);
  assert.equal(await send("vote", { post_id: post(6), value: 1 }), "stored");
  const after = await feed();
  assert.deepEqual([after.basis, even(after.posts), after.posts.includes(post(6))], ["history", 10, false]);
  assert.equal(await send("vote", { post_id: post(6), value: 0 }), "stored");
  assert.deepEqual((await feed()).posts, before.posts);
});

for (const [type, fields] of [
  ["view", {}],
  ["comment", { body: "so it is" }],
] as const)
  test(`after a ${type} the topic rises too`, async () => {
    assert.equal(await send(type, { post_id: post(6), ...fields }), "stored");
    const { posts } = await feed();
    assert.deepEqual([even(posts), posts.includes(post(6))], [10, false]);
  });

for (const [name, type, fields] of [
  ["a dismissed post", "dismiss", {}],
  ["a post voted against", "vote", { value: -1 }],
] as const)
  test(`${name} is gone, and its topic does not rise`, async () => {
    const before = await feed();
    assert.equal(await send(type, { post_id: post(6), ...fields }), "stored");
    const { basis, posts } = await feed();
    assert.equal(basis, "profile");
    assert.deepEqual(
      posts,
      before.posts.filter((id) => id !== post(6)),
    );
    // so it is where there is no model
    await pool.query("update recsys.models set status = 'retired'");
    assert.ok(!(await feed()).posts.includes(post(6)));
    const theirs = await createClient(gateway.url, "key", {
      accessToken: () => gateway.tokenOf(people.eve),
    }).functions.invoke("recommend", { body: { limit: 100 } });
    assert.ok(
      theirs.data.items.some((item: { post_id: string }) => item.post_id === post(6)),
      "others still get it",
    );
  });

test("a post that was seen leaves the feed, and the others stay as they were", async () => {
  const { request_id, posts } = await feed();
  const seen = () => send("seen", { post_id: posts[0], request_id });
  // the impression is logged after the answer
  let outcome = await seen();
  for (let tries = 0; tries < 50 && outcome === "unknown_impression"; tries++) {
    await new Promise((later) => setTimeout(later, 20));
    outcome = await seen();
  }
  assert.equal(outcome, "stored");
  const marked = await pool.query("select post_id from recsys.impressions where seen_at is not null");
  assert.deepEqual(marked.rows, [{ post_id: posts[0] }]);
  assert.deepEqual((await feed()).posts, posts.slice(1));
});

test("nothing of this was worth a line in the log", () => {
  assert.deepEqual(lines, []);
});
