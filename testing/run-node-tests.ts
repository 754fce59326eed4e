import { readFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { relative } from "node:path";
import { type FileTotals, startTestProcess, type TestProcess } from "./start-test-process.ts";
import { indent, printTotals, sumOf } from "./totals.ts";

interface Options {
  /** How many processes run files at the same time. */
  concurrency: number;
  /** Whether a file that passes is to have no line of its own; each tenth of them has one instead. */
  brief: boolean;
}

/**
 * Runs test files with node:test, many in a process, in this order. A file with a line `// alone: REASON` has a process of its own.
 * Prints one line per file, and failures in full as they happen. Gives the totals of each file, by its name.
 */
export async function runNodeTests(files: string[], { concurrency, brief }: Options): Promise<Map<string, FileTotals>> {
  const ofFiles = new Map<string, FileTotals>();
  const left = [...files];
  const underWay = new Map<TestProcess, string>();
  const started = performance.now();
  // .ci/run ends what takes too long
  const giveUp = () => {
    const names = [...underWay.values()].join(", ");
    console.log(`Ended from outside, ${left.length + underWay.size} files before the end; under way: ${names}.`);
    printTotals(sumOf([...ofFiles.values()]));
    for (const child of underWay.keys()) child.kill();
    process.exit(1);
  };
  process.once("SIGTERM", giveUp);
  const start = () => startTestProcess((text) => brief || process.stderr.write(text));
  const runOne = async (child: TestProcess, path: string) => {
    const name = relative(process.cwd(), path);
    underWay.set(child, name);
    const totals = await child.run(name, (test, line, message) =>
      console.log(`\n✖ ${test}  (${name}:${line})\n${indent(message)}\n`),
    );
    underWay.delete(child);
    ofFiles.set(name, totals);
    if (totals.failed > 0 || !brief) printFile(name, totals);
    const tenths = (number: number) => Math.floor((10 * number) / files.length);
    if (tenths(ofFiles.size) > tenths(ofFiles.size - 1) && brief)
      console.log(
        `${ofFiles.size} of ${files.length} files after ${((performance.now() - started) / 1000).toFixed(0)} s`,
      );
  };
  /** Runs files of the common queue until it is empty. */
  const runSome = async () => {
    let shared: TestProcess | undefined;
    for (let file = left.shift(); file !== undefined; file = left.shift()) {
      const isAlone = /^\/\/ alone: ./m.test(await readFile(file, "utf8"));
      const child = isAlone ? start() : (shared ?? start());
      await runOne(child, file);
      if (isAlone || !child.isFit()) {
        await child.end();
        if (child === shared) shared = undefined;
      } else shared = child;
    }
    await shared?.end();
  };
  await Promise.all(Array.from({ length: concurrency }, runSome));
  process.off("SIGTERM", giveUp);
  return ofFiles;
}

function printFile(name: string, { passed, failed, skipped, seconds }: FileTotals): void {
  const ofSkipped = skipped > 0 ? `, ${skipped} skipped` : "";
  // what fails on a busy machine alone waits for a time where it should wait for an event
  const load = failed > 0 ? `, load average ${loadavg()[0].toFixed(1)}` : "";
  console.log(`${failed > 0 ? "✖" : "✔"} ${name}: ${passed} passed${ofSkipped} (${seconds.toFixed(1)} s${load})`);
}

/** More files than these do not fail because the machine was busy. */
const mostFlaky = 10;

/** Runs each of the few files that failed alongside others once more, by itself: what passes now is not failed but flaky. */
export async function tryAlone(ofFiles: Map<string, FileTotals>, brief: boolean): Promise<void> {
  const failed = [...ofFiles].filter(([, { failed }]) => failed > 0);
  if (failed.length === 0 || failed.length > mostFlaky || failed.length === ofFiles.size) return;
  console.log(`Once more, alone: ${failed.map(([file]) => file).join(", ")}.`);
  for (const [file, { failures }] of failed) {
    // a process each
    const again = (await runNodeTests([file], { concurrency: 1, brief })).get(file);
    if (again) ofFiles.set(file, { ...again, flaky: again.failed > 0 ? [] : failures });
  }
}
