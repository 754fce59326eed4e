import { loadavg } from "node:os";
import { relative } from "node:path";
import { run } from "node:test";
import { countSkipped, indent, noTests, printTotals, sumOf, type Totals } from "./totals.ts";

interface Options {
  concurrency: number;
  /** Whether a file that passes is to have no line of its own; each tenth of them has one instead. */
  brief: boolean;
}

/**
 * V8 begins with a heap of a few megabytes and marks all of it each time it has grown, which a test file does not live long enough to get back.
 * trainer/weights-of-kinds.full.test.ts takes 18.5 s of a processor instead of 20.9 s.
 */
const roomToGrow = ["--min-semi-space-size=32", "--max-semi-space-size=64", "--initial-heap-size=512"];

/** Of a file that has run. */
export interface FileTotals extends Totals {
  seconds: number;
}

/**
 * Runs test files with node:test, each in its own process, in this order. Prints one line per file, and failures in full as they happen.
 * Gives the totals of each file, by its name.
 */
export async function runNodeTests(files: string[], { concurrency, brief }: Options): Promise<Map<string, FileTotals>> {
  const ofFiles = new Map<string, FileTotals>();
  const failed = new Set<string>();
  const said = new Map<string, string>();
  const started = performance.now();
  const ended = new Set<string>();
  // .ci/run ends what takes too long
  const giveUp = () => {
    const left = files.filter((file) => !ended.has(file));
    console.log(
      `Ended from outside, ${left.length} files before the end; under way: ${left.slice(0, concurrency).join(", ")}.`,
    );
    printTotals(sumOf([...ofFiles.values()]));
    process.exit(1);
  };
  process.once("SIGTERM", giveUp);
  for await (const { type, data } of run({ files, concurrency, timeout: 600_000, execArgv: roomToGrow })) {
    // of a test that a helper registers, `file` is the helper's
    const file = "entryFile" in data ? (data.entryFile as string) : "file" in data && data.file;
    const name = file ? relative(process.cwd(), file) : "";
    const totals = ofFiles.get(name) ?? { ...noTests(), seconds: 0 };
    ofFiles.set(name, totals);
    if (type === "test:pass") {
      if (data.skip !== undefined)
        countSkipped(totals, typeof data.skip === "string" ? data.skip : `${data.name}: no reason given`);
      else if (data.details.type !== "suite") totals.passed += 1;
    } else if (type === "test:fail") {
      failed.add(name);
      // its subtests have been counted and printed
      if (isFailureOfSubtests(data.details.error)) continue;
      totals.failed += 1;
      const isFile = data.name === name || data.name === file;
      // why a file fails as a whole is on its standard error, or what came after its tests
      const message = describe(data.details.error) + (isFile ? `\n${said.get(name) ?? ""}` : "");
      totals.failures.push({ file: name, name: isFile ? "the file as a whole" : data.name, message });
      console.log(`\n✖ ${data.name}  (${name}:${data.line ?? 0})\n${indent(message)}\n`);
    } else if (type === "test:stderr" || (type === "test:diagnostic" && name !== "")) {
      said.set(name, (said.get(name) ?? "") + data.message);
      if (type === "test:stderr" && !brief) process.stderr.write(data.message);
    } else if (type === "test:summary" && name !== "") {
      const { counts, duration_ms: duration, success } = data;
      totals.seconds = duration / 1000;
      const isFailed = failed.has(name) || !success;
      const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
      // what fails on a busy machine alone waits for a time where it should wait for an event
      const load = isFailed ? `, load average ${loadavg()[0].toFixed(1)}` : "";
      if (isFailed || !brief)
        console.log(
          `${isFailed ? "✖" : "✔"} ${name}: ${counts.passed} passed${skipped} (${totals.seconds.toFixed(1)} s${load})`,
        );
      const tenths = (number: number) => Math.floor((10 * number) / files.length);
      const before = ended.size;
      if (tenths(ended.add(name).size) > tenths(before) && brief)
        console.log(
          `${ended.size} of ${files.length} files after ${((performance.now() - started) / 1000).toFixed(0)} s`,
        );
    }
  }
  process.off("SIGTERM", giveUp);
  return ofFiles;
}

/** More files than these do not fail because the machine was busy. */
const mostFlaky = 10;

/** Runs each of the few files that failed alongside others once more, by itself: what passes now is not failed but flaky. */
export async function tryAlone(ofFiles: Map<string, FileTotals>, brief: boolean): Promise<void> {
  const files = [...ofFiles].filter(([file]) => file !== "");
  const failed = files.filter(([, { failed }]) => failed > 0);
  if (failed.length === 0 || failed.length > mostFlaky || failed.length === files.length) return;
  console.log(`Once more, alone: ${failed.map(([file]) => file).join(", ")}.`);
  const alone = await runNodeTests(
    failed.map(([file]) => file),
    { concurrency: 1, brief },
  );
  for (const [file, { failures }] of failed) {
    const again = alone.get(file);
    if (again) ofFiles.set(file, { ...again, flaky: again.failed > 0 ? [] : failures });
  }
}

function isFailureOfSubtests(error: Error): boolean {
  return "failureType" in error && error.failureType === "subtestsFailed";
}

function describe(error: Error): string {
  // node:test wraps what the test threw
  const cause = error.cause instanceof Error ? error.cause : error;
  const lines = (cause.stack ?? String(cause)).split("\n");
  return lines.filter((line) => !/^\s+at .*\(?node:internal/.test(line)).join("\n");
}
