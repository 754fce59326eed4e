import assert from "node:assert/strict";
import { test } from "node:test";
import { floats as f, integers as i, runOperator } from "./testing.ts";

type Call = Parameters<typeof runOperator>;
type Tensor = Awaited<ReturnType<typeof runOperator>>;

/** Expected values follow ONNX's own description of each operator; the trainer's tests compare with ONNX Runtime. */
const cases: [name: string, call: Call, expected: Tensor][] = [
  ["Relu keeps what is positive", ["Relu", [f([3], -1, 0, 2)]], f([3], 0, 0, 2)],
  ["Relu of infinities", ["Relu", [f([2], Number.NEGATIVE_INFINITY, Infinity)]], f([2], 0, Infinity)],
  ["Add stretches 1s", ["Add", [f([2, 1], 1, 2), f([3], 10, 20, 30)]], f([2, 3], 11, 21, 31, 12, 22, 32)],
  ["Sub of a matrix and a scalar", ["Sub", [f([1, 2], 1, 2), f([], 1)]], f([1, 2], 0, 1)],
  ["Mul of int64", ["Mul", [i([2], 3, -4), i([1], 5)]], i([2], 15, -20)],
  ["Max of three", ["Max", [f([2], 1, 9), f([2], 5, 2), f([1], 3)]], f([2], 5, 9)],
  ["Min of one", ["Min", [f([2], 1, 9)]], f([2], 1, 9)],
  ["Clip without a lower bound", ["Clip", [f([2], -9, 9), undefined, f([], 5)]], f([2], -9, 5)],
  [
    "Cast of int64 beyond 32 bits",
    ["Cast", [i([3], 2 ** 40, -(2 ** 40), -1)], { to: 1 }],
    f([3], 2 ** 40, -(2 ** 40), -1),
  ],
  [
    "Cast to int64 beyond 32 bits",
    ["Cast", [f([3], 2 ** 40, -(2 ** 40), -1.5)], { to: 7 }],
    i([3], 2 ** 40, -(2 ** 40), -1),
  ],
  ["Cast to int64", ["Cast", [f([2], 0, 2)], { to: 7 }], i([2], 0, 2)],
  [
    "Gemm with everything",
    [
      "Gemm",
      [f([2, 1], 1, 2), f([3, 2], 1, 2, 3, 4, 5, 6), f([1, 1], 100)],
      { transA: 1, transB: 1, alpha: 0.5, beta: 2 },
    ],
    f([1, 3], 202.5, 205.5, 208.5),
  ],
  [
    "Gemm with a column to add",
    ["Gemm", [f([2, 1], 1, 2), f([1, 2], 1, 1), f([2, 1], 10, 20)]],
    f([2, 2], 11, 11, 22, 22),
  ],
  [
    "Slice with a negative step",
    ["Slice", [f([4], 1, 2, 3, 4), i([1], -1), i([1], -99), i([1], 0), i([1], -2)]],
    f([2], 4, 2),
  ],
  ["Slice beyond the end", ["Slice", [f([1, 3], 1, 2, 3), i([1], 1), i([1], 99), i([1], -1)]], f([1, 2], 2, 3)],
  ["Slice over the first axes", ["Slice", [f([2, 2], 1, 2, 3, 4), i([2], 0, 1), i([2], 1, 2)]], f([1, 1], 2)],
  ["Transpose without an order reverses the axes", ["Transpose", [f([1, 2, 2], 1, 2, 3, 4)]], f([2, 2, 1], 1, 3, 2, 4)],
  ["Squeeze without axes drops every 1", ["Squeeze", [f([1, 2, 1], 1, 2)]], f([2], 1, 2)],
  ["ReduceSum of everything", ["ReduceSum", [f([2, 2], 1, 2, 3, 4)], { keepdims: 0 }], f([], 10)],
  ["ReduceSum without axes may do nothing", ["ReduceSum", [f([2], 1, 2)], { noop_with_empty_axes: 1 }], f([2], 1, 2)],
  ["ReduceMax with axes as an attribute", ["ReduceMax", [f([2, 2], 1, 9, 3, 4)], { axes: [0] }], f([1, 2], 3, 9)],
  [
    "ReduceMean with axes as an input, as of opset 18",
    ["ReduceMean", [f([2, 2], 1, 2, 3, 4), i([1], 1)]],
    f([2, 1], 1.5, 3.5),
  ],
  ["Shape from the back", ["Shape", [f([1, 2, 3], 1, 2, 3, 4, 5, 6)], { start: -2 }], i([2], 2, 3)],
  ["Expand to a higher rank", ["Expand", [f([2], 1, 2), i([3], 2, 1, 1)]], f([2, 1, 2], 1, 2, 1, 2)],
  [
    "GatherElements along the first axis, of fewer columns than there are",
    ["GatherElements", [f([2, 3], 1, 2, 3, 4, 5, 6), i([3, 2], 1, 0, 0, -1, 1, 1)]],
    f([3, 2], 4, 2, 1, 5, 4, 5),
  ],
  ["LogSoftmax of what Softmax makes 0", ["LogSoftmax", [f([1, 2], -1000, 0)]], f([1, 2], -1000, 0)],
  ["Identity", ["Identity", [i([1], 5)]], i([1], 5)],
];

for (const [name, call, expected] of cases) {
  test(name, async () => assert.deepEqual(await runOperator(...call), expected));
}

test("NaN goes through, so that a broken feature shows in the score", async () => {
  const nan = f([1], Number.NaN);
  for (const operator of ["Relu", "Sigmoid", "Clip", "Softplus"]) {
    assert.ok(Number.isNaN((await runOperator(operator, [nan])).data[0]), operator);
  }
});

const refusals: [call: Call, message: RegExp][] = [
  [["Add", [f([2], 1, 2), f([3], 1, 2, 3)]], /^Add output: shapes \[2\] and \[3\] do not fit together$/],
  [["Add", [f([1], 1), i([1], 1)]], /^Add output: its inputs are of two types, float32 \[1\] and int64 \[1\]$/],
  [["Relu", [i([1], 1)]], /^Relu output: input 0 must be float32, not int64 \[1\]$/],
  [["Add", [f([1], 1)]], /^Add output: input 1 is missing$/],
  [["Equal", [f([1], 1), f([1], 1)]], /^output output is bool, not float32 or int64$/],
  [["Div", [i([1], 1), i([1], 0)]], /^Div output: Division by zero$/],
  [
    ["MatMul", [f([1, 2], 1, 2), f([1, 2], 1, 2)]],
    /^MatMul output: cannot multiply float32 \[1, 2\] by float32 \[1, 2\]$/,
  ],
  [["Gemm", [f([1], 1), f([1, 1], 1)]], /^Gemm output: a matrix is needed, not float32 \[1\]$/],
  [["Gather", [f([2, 1], 1, 2), i([1], 2)]], /^Gather output: id 2 is outside a table of 2$/],
  [["Gather", [f([2, 1], 1, 2), i([1], 2 ** 32)]], /^Gather output: id 4294967296 is outside a table of 2$/],
  [["Gather", [f([2, 1], 1, 2), i([1], -3)]], /^Gather output: id -3 is outside a table of 2$/],
  [["Gather", [f([2, 1], 1, 2), f([1], 1)]], /^Gather output: ids must be int64, not float32 \[1\]$/],
  [["Concat", [f([1, 1], 1), f([1], 1)], { axis: 0 }], /^Concat output: float32 \[1, 1\] and float32 \[1\] do not fit/],
  [["Concat", [f([1], 1)]], /^Concat output: axis NaN of a tensor of rank 1$/],
  [["GatherElements", [f([1], 1), f([1], 0)]], /^GatherElements output: ids must be int64, not float32 \[1\]$/],
  [["GatherElements", [f([2], 1, 2), i([1], 2)]], /^GatherElements output: id 2 is outside a table of 2$/],
  [
    ["GatherElements", [f([1, 2], 1, 2), i([2, 1], 0, 0)], { axis: 1 }],
    /^GatherElements output: cannot gather int64 \[2, 1\] from float32 \[1, 2\]$/,
  ],
  [["Reshape", [f([2], 1, 2), i([1], 3)]], /^Reshape output: float32 \[2\] cannot take the shape \[3\]$/],
  [["Reshape", [f([2], 1, 2), i([2], 4, -1)]], /^Reshape output: float32 \[2\] cannot take the shape \[4, 0.5\]$/],
  [["Squeeze", [f([2], 1, 2), i([1], 0)]], /^Squeeze output: axes \[0\] of float32 \[2\] are not all 1$/],
  [["Transpose", [f([1, 1], 1)], { perm: [0, 0] }], /^Transpose output: \[0, 0\] is no order of the axes/],
  [["Cast", [f([1], 1)], { to: 10 }], /^Cast output: cannot cast to ONNX element type 10$/],
  [["Cast", [f([1], Number.NaN)], { to: 7 }], /^Cast output: cannot cast NaN to int64$/],
  [["Slice", [f([2], 1, 2), i([1], 0), i([1], 1), i([1], 0), i([1], 0)]], /^Slice output: a step of 0$/],
  [
    ["Expand", [f([1], 1), i([2], 2 ** 20, 2 ** 20)]],
    /^Expand output: a tensor of 1099511627776 elements is too large/,
  ],
  [
    ["MatMul", [f([2 ** 14, 1], ...new Array(2 ** 14).fill(1)), f([1, 2 ** 14], ...new Array(2 ** 14).fill(1))]],
    /too large/,
  ],
  [["Einsum", [f([1], 1)]], /^the executor has no operator Einsum$/],
];

for (const [call, message] of refusals) {
  test(`${call[0]} refuses what it cannot take: ${message.source}`, () =>
    assert.rejects(runOperator(...call), { message }));
}
