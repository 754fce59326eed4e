import assert from "node:assert/strict";
import { test } from "node:test";
import { TfIdf } from "./tf-idf.ts";

const near = (actual: number[], expected: number[]) => {
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(actual[i] - value) < 1e-12, `${actual} ≠ ${expected}`);
};

test("tf-idf: (1 + ln count) · (1 + ln((1 + n) / (1 + df))), unit length, common words left out", () => {
  const tfIdf = new TfIdf(0.6);
  const counts = ["a b b", "a c", "a"].map((text) => tfIdf.count(text));
  tfIdf.fit();
  const { terms, values } = tfIdf.vector(counts[0]);
  assert.deepEqual([[...terms], [...values]], [[1], [1]]);
  const both = new TfIdf(1);
  const first = ["a b b", "a c", "a"].map((text) => both.count(text))[0];
  both.fit();
  const b = (1 + Math.log(2)) * (1 + Math.log(2));
  near([...both.vector(first).values], [1 / Math.hypot(1, b), b / Math.hypot(1, b)]);
});
