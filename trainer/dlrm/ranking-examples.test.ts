import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../engine/random.ts";
import { randomExamples } from "./testing.ts";

test("the rows of some requests come in the order of the requests", () => {
  const examples = randomExamples(new Random(1), 4, 3);
  assert.deepEqual([...examples.rowsOf(Uint32Array.of(2, 0))], [6, 7, 8, 0, 1, 2]);
});

test("a positive that retrieval did not bring has no label", () => {
  const examples = randomExamples(new Random(1), 2, 3);
  examples.found[1] = 0;
  assert.deepEqual(
    [0, 1].map((request) => examples.label(request, 2)),
    [1, 0],
  );
});
