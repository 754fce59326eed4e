// Progress where there is no terminal: a line every so often, with what is done, of how much, and how long it takes about.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { progressBars } from "./progress-bar.ts";

test("a long step says how far it is and what is left, without a terminal", async (t) => {
  const lines: string[] = [];
  const { isTTY, write } = process.stderr;
  process.stderr.isTTY = false;
  process.stderr.write = (text: string | Uint8Array) => lines.push(String(text)) > 0;
  t.after(() => Object.assign(process.stderr, { isTTY, write }));
  const { onProgress, stop } = progressBars(50);
  onProgress({ step: "one long statement", done: 0, total: 1 });
  await setTimeout(200);
  onProgress({ step: "many small ones", done: 0, total: 40 });
  for (let done = 1; done <= 20; done++) {
    await setTimeout(10);
    onProgress({ step: "many small ones", done, total: 40 });
  }
  stop();
  await setTimeout(150);
  const [silent, told] = ["one long statement", "many small ones"].map((step) =>
    lines.filter((line) => line.startsWith(step)),
  );
  assert.match(silent[0], /^one long statement +0\.\d s {2}0 of 1 so far\n$/);
  assert.match(silent.at(-1) ?? "", /0 of 1\n$/);
  assert.match(told[1] ?? told[0], /^many small ones +0\.\d s {2}\d+ of 40 so far, about 1 s left\n$/);
  assert.match(told.at(-1) ?? "", /20 of 40\n$/);
  assert.ok(silent.length >= 3 && told.length >= 3 && lines.length === silent.length + told.length, lines.join(""));
});
