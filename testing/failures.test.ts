/**
 * What failed is said again right before the totals: with its file, and where a whole file failed with what came after its tests. Of few
 * files each has a second try alone.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";

const sources = {
  "passes.test.ts": `import { test } from "node:test";
    test("fine", () => console.error("a word"));`,
  "within.test.ts": `import { test } from "node:test";
    test("outer", (t) => t.test("inner", () => { throw new Error("inner is wrong"); }));`,
  "late.test.ts": `import { test } from "node:test";
    test("over too early", () => void setTimeout(() => { throw new Error("later"); }, 50));
    test("goes on", () => new Promise((done) => setTimeout(done, 500)));`,
  "unreadable.test.ts": `throw new Error("no test at all");`,
};

/** What the runner prints of test files, by their names. */
async function report(t: TestContext, sources: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "recsys-runner-"));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, source] of Object.entries(sources)) await writeFile(join(folder, name), source);
  const files = Object.keys(sources).map((name) => join(folder, name));
  const script = `import { runNodeTests, tryAlone } from ${JSON.stringify(new URL("./run-node-tests.ts", import.meta.url).href)};
    import { printTotals, sumOf } from ${JSON.stringify(new URL("./totals.ts", import.meta.url).href)};
    const ofFiles = await runNodeTests(${JSON.stringify(files)}, { concurrency: 2, brief: true });
    await tryAlone(ofFiles, true);
    printTotals(sumOf([...ofFiles.values()]));`;
  const env = { ...process.env };
  // a runner within a test would run nothing
  delete env.NODE_TEST_CONTEXT;
  const runner = join(folder, "runner.mts");
  await writeFile(runner, script);
  return (await promisify(execFile)(process.execPath, [runner], { cwd: folder, env })).stdout;
}

test("each failure is repeated in the last lines", async (t) => {
  const [before, after] = (await report(t, sources)).split("\nFailed:\n");
  assert.doesNotMatch(before, /✔|a word/);
  assert.match(before, /^✖ late\.test\.ts: 2 passed \(\d\.\d s, load average \d+\.\d\)$/m);
  assert.deepEqual(after.match(/^✖ .*$/gm)?.sort(), [
    "✖ late.test.ts: the file as a whole",
    "✖ unreadable.test.ts: the file as a whole",
    "✖ within.test.ts: inner",
  ]);
  for (const message of [/inner is wrong/, /"over too early" .* "Error: later"/, /no test at all/])
    assert.match(after, message);
  assert.match(after, /\n3 passed, 3 failed, 0 skipped\n$/);
});

test("a file that passes alone is flaky, one that fails again has failed", async (t) => {
  // fails the first time
  const once = `import { existsSync, writeFileSync } from "node:fs";
    import { test } from "node:test";
    test("hurried", () => {
      if (existsSync("once")) return;
      writeFileSync("once", "");
      throw new Error("too late");
    });`;
  const flaky = await report(t, { "once.test.ts": once, "passes.test.ts": sources["passes.test.ts"] });
  assert.match(flaky, /^Once more, alone: once\.test\.ts\.$/m);
  assert.match(
    flaky,
    /\nflaky, failed alongside other files and passed alone: once\.test\.ts: hurried\n2 passed, 0 failed, 0 skipped\n$/,
  );
  const failed = await report(t, { "once.test.ts": once, ...sources, "late.test.ts": "", "unreadable.test.ts": "" });
  assert.match(failed, /\nFailed:\n✖ within\.test\.ts: inner\n/);
  assert.match(failed, /\n\d passed, 1 failed, 0 skipped\n$/);
});
