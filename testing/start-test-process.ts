import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { TestReport } from "./test-process.ts";
import { countSkipped, noTests, type Totals } from "./totals.ts";

/** Of a file that has run. */
export interface FileTotals extends Totals {
  seconds: number;
}

/** A process that runs test files one after another. */
export interface TestProcess {
  /** Runs a file. Calls `onFailure` at each failure. */
  run(file: string, onFailure: (name: string, line: number, message: string) => void): Promise<FileTotals>;
  /** Whether the next file may run here: what a failed file leaves behind is not known. */
  isFit(): boolean;
  /** Lets the process end, and resolves when it has. */
  end(): Promise<void>;
  kill(): void;
}

/**
 * V8 begins with a heap of a few megabytes and marks all of it each time it has grown.
 * trainer/weights-of-kinds.full.test.ts takes 18.5 s of a processor instead of 20.9 s.
 */
const roomToGrow = ["--min-semi-space-size=32", "--max-semi-space-size=64", "--initial-heap-size=512"];

/** Above this many bytes a process is replaced before the next file. */
const mostMemory = 1.5e9;

/** Above this many milliseconds a file has failed. */
const mostTime = 600_000;

/** How the failure of a whole file is named. */
export const wholeFile = "the file as a whole";

/** Starts a process for test files; calls `onSaid` with its standard error. */
export function startTestProcess(onSaid: (text: string) => void): TestProcess {
  const env = { ...process.env };
  // a runner that a test starts is no part of that test
  delete env.NODE_TEST_CONTEXT;
  const child = fork(fileURLToPath(new URL("./test-process.ts", import.meta.url)), {
    execArgv: roomToGrow,
    env,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    onSaid(text);
  });
  // "close" does not come where this end of the channel is closed first
  const exit = once(child, "exit");
  const closed = Promise.all([exit, child.stderr && once(child.stderr, "end")]);
  let isFit = true;
  return {
    async run(file, onFailure) {
      const totals: FileTotals = { ...noTests(), seconds: 0 };
      const started = performance.now();
      said = "";
      const fail = (name: string, line: number, message: string) => {
        isFit = false;
        totals.failed += 1;
        totals.failures.push({ file, name, message });
        onFailure(name, line, message);
      };
      const ended = Promise.withResolvers<void>();
      const take = (report: TestReport) => {
        if (report.type === "passed") totals.passed += 1;
        else if (report.type === "skipped") countSkipped(totals, report.reason);
        else if (report.type === "failed") fail(report.name, report.line, report.message);
        else if (report.type === "fileFailed") fail(wholeFile, 0, `${report.message}\n${said}`);
        else {
          if (report.memory > mostMemory) isFit = false;
          ended.resolve();
        }
      };
      child.on("message", take);
      const timer = setTimeout(() => {
        fail(wholeFile, 0, `It was ended after ${mostTime / 1000} s.\n${said}`);
        child.kill("SIGKILL");
      }, mostTime);
      child.send(file);
      const died = await Promise.race([ended.promise, closed]);
      if (died && totals.failed === 0) {
        const [[status, signal]] = died;
        fail(wholeFile, 0, `Its process ended with ${signal ?? status}.\n${said}`);
      }
      clearTimeout(timer);
      child.off("message", take);
      totals.seconds = (performance.now() - started) / 1000;
      return totals;
    },
    isFit: () => isFit,
    async end() {
      if (child.connected) child.disconnect();
      await exit;
    },
    kill: () => child.kill("SIGKILL"),
  };
}
