// Runs test files for testing/run-node-tests.ts, one after another in this process, and reports each test.
import { resolve } from "node:path";
import { type EventData, run } from "node:test";
import { pathToFileURL } from "node:url";
import { endKept } from "./kept.ts";

/** What this process reports of the file that it runs. */
export type TestReport =
  | { type: "passed" }
  | { type: "skipped"; reason: string }
  | { type: "failed"; name: string; line: number; message: string }
  /** Why the file as a whole failed. */
  | { type: "fileFailed"; message: string }
  | { type: "ended"; seconds: number; memory: number };

const environment = { ...process.env };
const folder = process.cwd();

// A file is over when nothing is left to do, as in a process of its own; the channel keeps this process alive only between files.
process.on("beforeExit", () => process.channel?.ref());
process.on("disconnect", () => void endKept().finally(() => process.exit()));
process.on("message", async (file: string) => {
  const started = performance.now();
  process.argv[1] = resolve(file);
  process.channel?.unref();
  await runFile(file);
  putBack();
  report({ type: "ended", seconds: (performance.now() - started) / 1000, memory: process.memoryUsage.rss() });
});

function report(of: TestReport): void {
  process.send?.(of);
}

async function runFile(file: string): Promise<void> {
  const path = resolve(file);
  let isTold = false;
  const ofProcess: string[] = [];
  for await (const { type, data } of run({ files: [path], isolation: "none" })) {
    if (type === "test:pass") reportPass(data);
    else if (type === "test:diagnostic") ofProcess.push(data.message);
    else if (type === "test:fail") {
      isTold = true;
      reportFailure(data, path);
    } else if (type === "test:summary" && !data.success && !isTold) {
      isTold = true;
      report({ type: "fileFailed", message: ofProcess.filter((line) => /^Error: /.test(line)).join("\n") });
    }
  }
  // node:test drops the error of a file that throws after its first test; the import is not done twice
  const error = await import(pathToFileURL(path).href).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error !== undefined && !isTold) report({ type: "fileFailed", message: describe(error) });
}

function reportPass({ name, skip, details }: EventData.TestPass): void {
  if (skip !== undefined)
    report({ type: "skipped", reason: typeof skip === "string" ? skip : `${name}: no reason given` });
  else if (details.type !== "suite") report({ type: "passed" });
}

function reportFailure({ name, line, details: { error } }: EventData.TestFail, path: string): void {
  // subtests report themselves
  if ("failureType" in error && error.failureType === "subtestsFailed") return;
  // node:test wraps what the test threw
  const message = describe(error.cause instanceof Error ? error.cause : error);
  report(name === path ? { type: "fileFailed", message } : { type: "failed", name, line: line ?? 0, message });
}

function describe(error: unknown): string {
  const lines = ((error instanceof Error && error.stack) || String(error)).split("\n");
  return lines.filter((line) => !/^\s+at .*\(?node:internal/.test(line)).join("\n");
}

/** Undoes what a file may change for the next one. */
function putBack(): void {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
  process.chdir(folder);
  process.exitCode = undefined;
}
