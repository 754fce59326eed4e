import assert from "node:assert/strict";
import { test } from "node:test";
import { retrieval } from "../../../supabase/functions/_shared/features/retrieval.ts";
import { hour, smallCommunity } from "../../evaluation/testing.ts";
import { Histories } from "./histories.ts";
import { community } from "./testing.ts";

test("a history holds what the user interacted with or wrote before the instant, the latest first, each post once", () => {
  const histories = new Histories(community, Number.POSITIVE_INFINITY);
  assert.deepEqual(histories.latest(0, 2 * hour), [0]);
  assert.deepEqual(histories.latest(0, 4 * hour), [0, 1]);
  assert.deepEqual(histories.latest(0, 100 * hour), [2, 3, 1, 0]);
  assert.deepEqual(histories.latest(0, 100 * hour, 3), [2, 1, 0], "never the post that is to be found");
  assert.deepEqual(histories.latest(2, 100 * hour), []);
});

test("of the followed there is what they interacted with and wrote last before the instant, once they are followed", () => {
  const posts: [number, number][] = [...Array.from({ length: 8 }, (): [number, number] => [-1, 0]), [1, 4]];
  const acts = Array.from({ length: 8 }, (_, post): [number, number, number] => [1, post, post + 1]);
  const follows = { users: Int32Array.of(0), people: Int32Array.of(1), at: Float64Array.of(3 * hour) };
  const community = { ...smallCommunity(2, posts, acts), follows };
  const histories = new Histories(community, Number.POSITIVE_INFINITY);
  assert.deepEqual(histories.followed(0, 3 * hour), [], "whom one follows tomorrow");
  assert.deepEqual(histories.followed(0, 3.5 * hour), [2, 1, 0]);
  assert.deepEqual(histories.followed(0, 100 * hour), [7, 6, 5, 4, 3, 8]);
  assert.deepEqual(
    histories.followed(0, 100 * hour, (post) => post % 2 === 1),
    [7, 5, 3, 1],
    "as far as there is more that may be read",
  );
  assert.deepEqual(histories.followed(1, 100 * hour), [], "who follows nobody");
  community.interactions.kinds.fill(2, 7);
  const read = new Histories({ ...community, readable: [2] }, Number.POSITIVE_INFINITY);
  assert.deepEqual(read.followed(0, 100 * hour), [7, 8], "what the followers may not read is not there");
});

test("histories of a training window end with it", () => {
  assert.deepEqual(new Histories(community, 5 * hour).latest(0, 100 * hour), [1, 0]);
});

test("a history is no longer than what serving reads", () => {
  const many = retrieval.historyLength + 10;
  const busy = smallCommunity(
    1,
    Array.from({ length: many }, () => [-1, 0]),
    Array.from({ length: many }, (_, post) => [0, post, post]),
  );
  const latest = new Histories(busy, Number.POSITIVE_INFINITY).latest(0, 1000 * hour);
  assert.deepEqual(
    latest,
    Array.from({ length: retrieval.historyLength }, (_, i) => many - 1 - i),
  );
});

test("interactions further back than serving reads are forgotten, own posts are not", () => {
  const { historyInteractions } = retrieval;
  const busy = smallCommunity(
    1,
    [
      [-1, 0],
      [-1, 0],
      [0, 0.5],
    ],
    [[0, 0, 1], ...Array.from({ length: historyInteractions }, (_, i): [number, number, number] => [0, 1, 2 + i])],
  );
  const histories = new Histories(busy, Number.POSITIVE_INFINITY);
  assert.deepEqual(histories.latest(0, 1000 * hour), [1, 2]);
  assert.deepEqual(histories.latest(0, (0.5 + historyInteractions) * hour), [1, 0, 2], "one fewer, and it is there");
});
