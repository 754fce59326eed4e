import assert from "node:assert/strict";
import { test } from "node:test";
import { StepMeter, stepsLine } from "./step-meter.ts";

/** Blocks the event loop. */
function work(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

test("a step's time and memory are its own, also while the event loop is blocked", async () => {
  const meter = new StepMeter();
  try {
    // the watching thread takes some 100 ms to start
    await new Promise((done) => setTimeout(done, 1000));
    meter.begin("small");
    work(100);
    meter.begin("large");
    const large = new Uint8Array(300e6).fill(1);
    work(200);
    meter.begin("small");
    work(100);
    const [small, bigger] = meter.end();
    assert.equal(large.at(-1), 1);
    assert.deepEqual([small.step, bigger.step], ["small", "large"]);
    assert.ok(small.seconds >= 0.2 && bigger.seconds >= 0.2, `${small.seconds} s and ${bigger.seconds} s`);
    assert.ok(bigger.megabytes >= 300, `${bigger.megabytes} MB`);
  } finally {
    await meter.close();
  }
});

test("progress begins steps and passes through", async () => {
  const meter = new StepMeter();
  try {
    const seen: number[] = [];
    const onProgress = meter.watch(({ done }) => seen.push(done));
    onProgress({ step: "read", done: 1 });
    onProgress({ step: "read", done: 2 });
    onProgress({ step: "train", done: 3 });
    assert.deepEqual(seen, [1, 2, 3]);
    assert.deepEqual(
      meter.end().map(({ step }) => step),
      ["read", "train"],
    );
  } finally {
    await meter.close();
  }
});

test("the line names the whole, the largest and the longest", () => {
  const steps = [
    { step: "import", seconds: 2, megabytes: 100 },
    { step: "towers", seconds: 30, megabytes: 900 },
    { step: "examples", seconds: 10, megabytes: 1200 },
  ];
  assert.equal(stepsLine(steps), "42 s, at most 1200 MB (examples); longest: towers 30 s, examples 10 s, import 2 s");
});
