import assert from "node:assert/strict";
import { test } from "node:test";
import { postFields, postTokens, tokenId, tokenRows, userFields, userTokens } from "./tokens.ts";

// Golden vectors: stored models have rows of the token table by these ids, so changing them breaks every model.

test("a word's row is 1 + FNV-1a of its UTF-8 bytes modulo the rest of the table", () => {
  // published test vectors of FNV-1a: "" 0x811c9dc5, "a" 0xe40c292c, "foobar" 0xbf9cf968
  for (const [word, hash] of [
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["foobar", 0xbf9cf968],
  ] as const) {
    assert.equal(tokenId(word), 1 + (hash % (tokenRows - 1)));
  }
  assert.equal(tokenId("träume"), 12346);
  assert.equal(tokenId("Москва"), 11411);
});

test("each field has its slots, and its weights have unit length", () => {
  const row = postTokens({ title: "Rain or rain", description: "", tags: ["Travel"], author_id: "ann" });
  const [title, description, tags] = postFields;
  const [rain, or] = [1 + Math.log(2), 1];
  const length = Math.hypot(rain, or);
  assert.deepEqual([...row.ids.subarray(0, 3)], [tokenId("rain"), tokenId("or"), 0]);
  assert.deepEqual([...row.weights.subarray(0, 3)], [Math.fround(rain / length), Math.fround(or / length), 0]);
  const at = title.slots + description.slots;
  assert.deepEqual([...row.ids.subarray(title.slots, at)], Array(description.slots).fill(0));
  assert.deepEqual([row.ids[at], row.weights[at]], [tokenId("travel"), 1]);
  assert.deepEqual([row.ids[at + tags.slots], row.weights[at + tags.slots]], [tokenId("author ann"), 1]);
});

test("a post without an author has no author token", () => {
  const row = postTokens({ title: "", description: "", tags: [], author_id: null });
  assert.ok(row.ids.every((id) => id === 0) && row.weights.every((weight) => weight === 0));
});

test("words beyond a field's slots are dropped, those already there still count", () => {
  const { slots } = postFields[0];
  const title = [...Array.from({ length: slots + 5 }, (_, i) => `w${i}`), "w0"].join(" ");
  const row = postTokens({ title, description: "", tags: [], author_id: null });
  assert.deepEqual(
    [...row.ids.subarray(0, slots)],
    Array.from({ length: slots }, (_, i) => tokenId(`w${i}`)),
  );
  assert.ok(row.weights[0] > row.weights[1]);
  assert.ok(Math.abs(Math.hypot(...row.weights.subarray(0, slots)) - 1) < 1e-6);
});

test("a passion, a project and a title that say the same word mean the same row", () => {
  const user = userTokens({ passions: ["Gardening"], projects: ["gardening"], bio: "GARDENING" });
  const post = postTokens({ title: "gardening", description: "", tags: [], author_id: null });
  const [passions, projects] = userFields;
  for (const slot of [0, passions.slots, passions.slots + projects.slots]) assert.equal(user.ids[slot], post.ids[0]);
});
