import assert from "node:assert/strict";
import { test } from "node:test";
import { broadcastDims, broadcastPlaces } from "./broadcast.ts";
import { multiply } from "./multiply.ts";

test("blocks of every size give the sums of the definition, and write nothing outside", () => {
  for (let rows = 1; rows <= 9; rows++) {
    for (let columns = 1; columns <= 5; columns++) {
      for (const inner of [1, 2, 7]) {
        const a = Float32Array.from({ length: 1 + rows * inner }, (_, index) => (index * 7) % 11);
        const b = Float32Array.from({ length: 2 + inner * columns }, (_, index) => ((index * 5) % 13) - 6);
        const to = new Float32Array(3 + rows * columns + 1).fill(99);
        multiply(a, b, to, rows, inner, columns, 1, 2, 3);
        const expected = to.map(() => 99);
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            let sum = 0;
            for (let k = 0; k < inner; k++) sum += a[1 + row * inner + k] * b[2 + k * columns + column];
            expected[3 + row * columns + column] = sum;
          }
        }
        assert.deepEqual(to, expected, `${rows} × ${inner} × ${columns}`);
      }
    }
  }
});

test("shapes stretch over each other axis by axis from the back", () => {
  assert.deepEqual(broadcastDims([2, 1], [3]), [2, 3]);
  assert.deepEqual(broadcastDims([], [4, 1, 2], [5, 1]), [4, 5, 2]);
  assert.throws(() => broadcastDims([2], [3]), { message: "shapes [2] and [3] do not fit together" });
  assert.deepEqual([...broadcastPlaces([2, 1], [2, 3])], [0, 0, 0, 1, 1, 1]);
  assert.deepEqual([...broadcastPlaces([3], [2, 3])], [0, 1, 2, 0, 1, 2]);
  assert.deepEqual([...broadcastPlaces([2, 1, 2], [2, 2, 2])], [0, 1, 0, 1, 2, 3, 2, 3]);
});
