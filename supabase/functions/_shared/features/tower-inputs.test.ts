import assert from "node:assert/strict";
import { test } from "node:test";
import { dimensions, poolHistory } from "./history.ts";
import { postFields, postTokens, userFields, userTokens } from "./tokens.ts";
import { postNumberRow, postTowerInputs, slots, userNumberRow, userTowerInputs } from "./tower-inputs.ts";

const known = { passions: ["chess"], projects: ["Clock club"], bio: "Night owl", id_embedding: null, history: [] };
const vector = (value: number) => new Float32Array(dimensions).fill(value);

test("numbers of a user tell how much history there is", () => {
  assert.deepEqual(userNumberRow(0), [0, 0]);
  assert.deepEqual(userNumberRow(3), [Math.log(4), 1]);
});

test("numbers of a post tell how much text there is, in different words", () => {
  const tokens = postTokens({ title: "one two two", description: "three", tags: ["x", "y z"], author_id: "ann" });
  assert.deepEqual(postNumberRow(tokens, 2), [Math.log(3), Math.log(2), Math.log(3)]);
});

test("users: every feed has its shape, and rows do not mix", () => {
  const active = { ...known, passions: [], id_embedding: vector(3), history: [vector(1), vector(2)] };
  const feeds = userTowerInputs([known, active]);
  const length = slots(userFields);
  assert.deepEqual(Object.fromEntries(Object.entries(feeds).map(([name, { type, dims }]) => [name, [type, dims]])), {
    token_ids: ["int64", [2, length]],
    token_weights: ["float32", [2, length]],
    history: ["float32", [2, dimensions]],
    followed: ["float32", [2, dimensions]],
    numbers: ["float32", [2, 2]],
    id_embedding: ["float32", [2, dimensions]],
  });
  const { ids, weights } = userTokens(active);
  assert.deepEqual([...feeds.token_ids.data].slice(length), Array.from(ids, BigInt));
  assert.deepEqual([...feeds.token_weights.data].slice(length), [...weights]);
  assert.deepEqual([...feeds.history.data], [...vector(0), ...poolHistory(active.history)]);
  const following = userTowerInputs([
    { ...known, followed: vector(3) },
    { ...active, followed: vector(3) },
  ]);
  assert.deepEqual([...following.followed.data], [...vector(3), ...vector(3)]);
  assert.deepEqual([...feeds.followed.data], [...vector(0), ...vector(0)], "nobody is followed");
  for (const name of ["history", "numbers"])
    assert.deepEqual(following[name].data, feeds[name].data, "none of the own history");
  assert.deepEqual([...feeds.id_embedding.data], [...vector(0), ...vector(3)]);
  assert.deepEqual([...feeds.numbers.data], [0, 0, Math.fround(Math.log(3)), 1]);
});

test("users: a tower that reads vectors is told of one whether it is there", () => {
  const components = Float32Array.from({ length: 64 }, (_, i) => i / 64);
  const feeds = userTowerInputs([known, { ...known, vector: components }], { inputNames: ["numbers", "text_vector"] });
  assert.deepEqual(feeds.text_vector.dims, [2, 65]);
  assert.deepEqual([...feeds.text_vector.data], [...Array(65).fill(0), ...components, 1]);
  assert.ok(!("text_vector" in userTowerInputs([{ ...known, vector: components }])), "others are not told");
});

test("posts: every feed has its shape", () => {
  const post = { title: "Rain", description: "All day", tags: ["weather"], author_id: "ann", id_embedding: vector(2) };
  const feeds = postTowerInputs([post, { ...post, id_embedding: null }, post]);
  const length = slots(postFields);
  assert.deepEqual(feeds.token_ids.dims, [3, length]);
  assert.deepEqual(feeds.token_weights.dims, [3, length]);
  assert.deepEqual(feeds.numbers.dims, [3, 3]);
  assert.deepEqual([...feeds.id_embedding.data], [...vector(2), ...vector(0), ...vector(2)]);
});
