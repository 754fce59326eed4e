/** The very next feed after posts were seen, and the very first one of a new user. */
import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { clear, fillCommunity, people, plusNothing, publishTinyModel } from "../../../testing/community.ts";
import { GraphBuilder } from "../../../trainer/artifacts/onnx/graph-builder.ts";
import { dimensions } from "../_shared/features/history.ts";
import { tokenId, tokenRows } from "../_shared/features/tokens.ts";
import { contracts } from "../_shared/models/contracts.ts";
import type { Feed } from "../_shared/recommend/request/feed-schema.ts";
import { event, testApp as eventsApp } from "../events/testing.ts";
import { testApp } from "./testing.ts";

const { pool, url } = await testDatabase({ after }, "next_feed");
beforeEach(async () => {
  await clear(pool);
  await fillCommunity(pool);
});

/** 0 for the posts about topic 0, which are the even ones, and 1 for the others. */
const topics = (feed: Feed) => feed.items.map((item) => Number(item.post_id.slice(-2)) % 2);

test("what was seen leaves the feed for 30 days, what was only shown stays", async (t) => {
  await publishTinyModel(pool, { name: "tiny" });
  const [app, events] = [testApp(t, url), eventsApp(t, url)];
  const { body: feed } = await app.call(people.ben, { limit: 3 });
  await app.settled();
  const { request_id, items } = feed;
  assert.equal(items.length, 3);
  const seen = items.slice(0, 2).map(({ post_id }) => event("seen", { post_id, request_id }));
  assert.deepEqual(await events.send(people.ben, ...seen), ["stored", "stored"]);
  const again = async (user: string) => {
    const { body } = await app.call(user, { limit: 100 });
    return items.map(({ post_id }) => body.items.some((item) => item.post_id === post_id));
  };
  assert.deepEqual(await again(people.ben), [false, false, true]);
  assert.deepEqual(await again(people.eve), [true, true, true], "what ben saw is new to eve");

  const age = (days: number) =>
    pool.query("update recsys.impressions set seen_at = now() - $1 * interval '1 day' where seen_at is not null", [
      days,
    ]);
  await age(29.9);
  assert.deepEqual(await again(people.ben), [false, false, true]);
  await age(30.1);
  assert.deepEqual(await again(people.ben), [true, true, true]);
});

test("somebody new gets a feed led by what their profile says, before any job is worked", async (t) => {
  await publishTinyModel(pool, {
    name: "reads profiles",
    graphs: { user_tower: towerOfWords({ chess: 0, tulips: 1 }) },
  });
  const app = testApp(t, url);
  const newcomer = async (passions: string[], bio: string) => {
    const { rows } = await pool.query("insert into public.profiles (passions, bio) values ($1, $2) returning id", [
      passions,
      bio,
    ]);
    const { body } = await app.call(rows[0].id, { limit: 30 });
    const { rowCount } = await pool.query("select from recsys_engine.embedding_jobs where entity_id = $1", [
      rows[0].id,
    ]);
    assert.equal(rowCount, 1, "the job of the new profile still waits");
    assert.equal(body.basis, "profile");
    return topics(body);
  };
  const half = (topic: number) => Array(15).fill(topic);
  assert.deepEqual((await newcomer(["Chess"], "")).slice(0, 15), half(0));
  assert.deepEqual((await newcomer([], "I grow tulips and nothing else")).slice(0, 15), half(1));
});

/** A user tower that knows some words, each as the direction of a topic. */
function towerOfWords(topicOf: Record<string, number>): Uint8Array {
  const table = new Float32Array(tokenRows * dimensions);
  for (const [word, topic] of Object.entries(topicOf)) table[tokenId(word) * dimensions + topic] = 1;
  const g = new GraphBuilder("user_tower");
  const { token_ids, token_weights, ...unread } = g.inputsOf(contracts.user_tower);
  const words = g.embeddingBag(g.weights(table, [tokenRows, dimensions]), token_ids, token_weights);
  g.output("embedding", g.l2Normalise(plusNothing(g, words, unread)), contracts.user_tower.outputs.embedding.dims);
  return g.build();
}
