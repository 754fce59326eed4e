import assert from "node:assert/strict";
import { test } from "node:test";
import { EmbeddingTable } from "../nn/embedding-table.ts";
import { close } from "../nn/testing.ts";
import { TokenBags } from "./token-bags.ts";

const fields = [
  { name: "title", slots: 2 },
  { name: "tags", slots: 1 },
];
const rows = [
  { ids: Int32Array.of(3, 1, 2), weights: Float32Array.of(0.5, 2, 1) },
  { ids: Int32Array.of(1, 0, 0), weights: Float32Array.of(1, 0, 0) },
];
const table = () => new EmbeddingTable(4, 2, Float32Array.of(9, 9, 1, 2, 10, 20, 100, 200));

test("each field is the weighted sum of its own tokens; padding counts for nothing", () => {
  const bags = new TokenBags(fields, rows);
  assert.deepEqual([...bags.lookUp(table(), [1, 0])], [1, 2, 0, 0, 52, 104, 10, 20]);
});

test("a gradient goes back to every token of the field by its weight, summed over rows", () => {
  const bags = new TokenBags(fields, rows);
  const trained = table();
  bags.addGradient(trained, [0, 1], Float32Array.of(1, 2, 3, 4, 10, 20, 30, 40));
  trained.step(1, { learningRate: 0 });
  const expected = [0, 0, 2 * 1 + 10, 2 * 2 + 20, 3, 4, 0.5, 1];
  for (const [i, mean] of trained.weights.mean.entries()) close(mean, 0.1 * expected[i]);
});

test("a document frequency counts the rows with a token, of the first rows only", () => {
  const bags = new TokenBags(fields, rows);
  assert.deepEqual([...bags.documentFrequencies(2, 4)], [0, 2, 1, 1]);
  assert.deepEqual([...bags.documentFrequencies(1, 4)], [0, 1, 1, 1]);
});

test("dropout leaves out its share of tokens, scales up the rest, and its gradient takes the same ones", () => {
  const many = 4000;
  const bags = new TokenBags(
    [{ name: "title", slots: many }],
    [{ ids: Int32Array.from({ length: many }, (_, i) => i), weights: new Float32Array(many).fill(1) }],
  );
  const dropout = { rate: 0.25, seed: 9 };
  const trained = new EmbeddingTable(many, 1, new Float32Array(many).fill(1));
  const [sum] = bags.lookUp(trained, [0], dropout);
  const kept = sum * 0.75;
  assert.ok(Math.abs(kept - 3000) < 120, `${kept} of 4000 tokens kept`);
  bags.addGradient(trained, [0], Float32Array.of(1), dropout);
  trained.step(1, { learningRate: 0 });
  const moved = trained.weights.mean.filter((mean) => mean !== 0);
  assert.equal(moved.length, Math.round(kept));
  for (const mean of moved) close(mean, 0.1 / 0.75);
  assert.notEqual(bags.lookUp(trained, [0], { rate: 0.25, seed: 10 })[0], sum);
});
