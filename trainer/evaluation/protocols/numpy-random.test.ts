import assert from "node:assert/strict";
import { test } from "node:test";
import { NumpyRandom } from "./numpy-random.ts";

test("the numbers of numpy.random.default_rng(seed).random(3)", () => {
  // printed by numpy 2.4
  const expected: [number, number[]][] = [
    [0, [0.6369616873214543, 0.2697867137638703, 0.04097352393619469]],
    [42, [0.7739560485559633, 0.4388784397520523, 0.8585979199113825]],
    [2026, [0.17893481367543618, 0.6399131657151546, 0.4672684011434851]],
    [4294967295, [0.2519435680449965, 0.21906579628685663, 0.28728472043517017]],
  ];
  for (const [seed, numbers] of expected) {
    const random = new NumpyRandom(seed);
    assert.deepEqual(
      numbers.map(() => random.uniform()),
      numbers,
    );
  }
});
