import assert from "node:assert/strict";
import { test } from "node:test";
import { progressBars } from "./progress-bar.ts";

test("without a terminal a long step says every ten seconds how far it is and how long it still takes", (t) => {
  const isTerminal = process.stderr.isTTY;
  t.after(() => Object.assign(process.stderr, { isTTY: isTerminal }));
  process.stderr.isTTY = false;
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const lines: string[] = [];
  t.mock.method(process.stderr, "write", (line: string) => lines.push(line) > 0);
  const { onProgress, stop } = progressBars();
  for (let second = 0; second <= 25; second++) {
    now = 1000 * second;
    onProgress({ step: "embedding posts", done: 10 * second, total: 1000 });
  }
  now = 600_000;
  onProgress({ step: "embedding posts", done: 500, total: 1000 });
  onProgress({ step: "roll up", done: 0, total: 10 });
  now = 615_000;
  onProgress({ step: "roll up", done: 0, total: 10 });
  stop();
  assert.deepEqual(
    lines.map((line) => line.trim().replace(/ {2,}/g, "  ")),
    [
      "embedding posts  10.0 s  100 of 1000, 2 min left",
      "embedding posts  20.0 s  200 of 1000, 80 s left",
      "embedding posts  600.0 s  500 of 1000, 10 min left",
      "embedding posts  600.0 s  500 of 1000",
      "roll up  15.0 s  0 of 10",
      "roll up  15.0 s  0 of 10",
    ],
  );
});
