// npm run faults [-- FIRST [LAST]]: inserts one fault after the other (faults.ts) into a worktree of the last commit, and runs the tests that depend on
// the file until one fails. Prints that test; the exit code is 1 if no test fails.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { withWorktree } from "../worktree.ts";
import { type Fault, faults } from "./faults.ts";

const root = resolve(import.meta.dirname, "../..");
const caches = join(root, ".recsys");
const [first = 1, last = faults.length] = process.argv.slice(2).map(Number);
const copy = mkdtempSync(join(tmpdir(), "recsys-faults-"));

/** Inserts a fault; a fault of the schema also goes into the migration that is generated from it. */
function putIn({ file, find, put }: Fault): void {
  const path = join(copy, file);
  writeFileSync(
    path,
    readFileSync(path, "utf8").replace(find, () => put),
  );
  if (file.endsWith(".sql")) execFileSync(process.execPath, ["db/upgrade/migrations.ts"], { cwd: copy, stdio: "pipe" });
}

/** Runs tests and yields the line of each failure; ends the run when the caller needs no more. */
async function* runTests(tests: string[]): AsyncGenerator<string> {
  const runner: ChildProcess = spawn(process.execPath, ["testing/test.ts", "--brief", ...tests], {
    cwd: copy,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => runner.once("exit", resolve));
  try {
    for await (const line of createInterface({ input: runner.stdout as NodeJS.ReadableStream }))
      if (line.startsWith("✖ ")) yield line.slice(2);
  } finally {
    runner.kill();
    await ended;
  }
}

/** The test that finds the fault, or undefined. Its file fails alone, too: on a busy machine a test may fail without a fault. */
async function findFault(): Promise<string | undefined> {
  for await (const failure of runTests(["--changed"])) {
    const file = /\(([^ ()]+\.test\.ts):\d+\)$/.exec(failure)?.[1];
    if (file === undefined) return failure;
    for await (const alone of runTests([file])) return alone;
  }
  return undefined;
}

let missed = 0;
await withWorktree(root, copy, "HEAD", async (git) => {
  // the dump of the embedded database is the same, but for faults of the schema
  if (existsSync(caches)) {
    const filter = (path: string) => path === caches || basename(path).startsWith("test-");
    cpSync(caches, join(copy, ".recsys"), { recursive: true, filter });
  }
  for (const [i, fault] of faults.entries()) {
    const number = i + 1;
    if (number < first || number > last) continue;
    const started = performance.now();
    putIn(fault);
    const found = await findFault();
    if (found === undefined) missed++;
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    console.log(`${number}. ${fault.name}: ${found === undefined ? "NOT FOUND" : `found by ${found}`} (${seconds} s)`);
    git("checkout", "--quiet", ".");
  }
});
console.log(`${missed === 0 ? "Each" : `${missed} not`} found.`);
process.exit(missed > 0 ? 1 : 0);
