/** The comparison of golden answers finds what moved, and nothing where nothing did. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { costReport, differencesOf, digestsOf, reportOf } from "./compare.ts";

const recorded = {
  plain: [
    { candidates: ["fresh 1 a", "fresh 2 b", "fresh 3 c"], pages: ["1 b", "2 a"] },
    { candidates: ["fresh 1 b"], pages: ["1 b"] },
  ],
};
const [first, second] = recorded.plain;

test("equal answers have no difference, whole or by their digests", () => {
  for (const expected of [{ answers: recorded }, { digests: digestsOf(recorded) }])
    assert.deepEqual(differencesOf("plain", expected, structuredClone(recorded.plain)), []);
  assert.deepEqual(reportOf([], { plain: 2 }, 3), ["0 of 2 answers moved"]);
});

test("another order is found at its first line", () => {
  const moved = [{ ...first, pages: ["1 a", "2 b"] }, second];
  const differences = differencesOf("plain", { answers: recorded }, moved);
  assert.deepEqual(differences, [{ variant: "plain", reader: 0, part: "pages", line: 1, expected: "1 b", got: "1 a" }]);
  assert.deepEqual(reportOf(differences, { plain: 2 }, 3), [
    "1 of 2 answers moved",
    "plain: 1 of 2 moved (candidates 0, ranking 0, pages 1, explain 0)",
    "  answer 0, pages, line 1",
    "    expected 1 b",
    "    got      1 a",
  ]);
});

test("an item that is gone is found, in the middle and at the end", () => {
  const gone = [
    { ...first, candidates: ["fresh 1 a", "fresh 3 c"] },
    { ...second, pages: [] },
  ];
  assert.deepEqual(
    differencesOf("plain", { answers: recorded }, gone).map(({ reader, part, line, expected, got }) => [
      reader,
      part,
      line,
      expected,
      got,
    ]),
    [
      [0, "candidates", 2, "fresh 2 b", "fresh 3 c"],
      [1, "pages", 1, "1 b", "(nothing)"],
    ],
  );
});

test("of digests it is known which answer moved, and not where; a variant that is gone has moved as a whole", () => {
  const moved = [first, { ...second, candidates: ["fresh 1 c"] }];
  const [difference, ...others] = differencesOf("plain", { digests: digestsOf(recorded) }, moved);
  assert.deepEqual(others, []);
  assert.deepEqual([difference.reader, difference.part, difference.line], [1, "candidates", null]);
  assert.equal(differencesOf("plain", { answers: recorded }, []).length, 4);
});

test("costs are said as ratios, times only on the same machine", () => {
  const [before, after] = [{ plain: { buffers: 1000, processor: 10 } }, { plain: { buffers: 1100, processor: 20 } }];
  assert.deepEqual(costReport(before, after, false), [
    "plain: 1,100 pages an answer, 1.100 times as recorded; 20.0 ms of a processor",
  ]);
  assert.match(costReport(before, after, true)[0], /20\.0 ms of a processor, 2\.000 times as recorded$/);
});
