import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { countSkipped, type FailedTest, noTests, type Totals } from "./totals.ts";

const deno = fileURLToPath(new URL("../node_modules/.bin/deno", import.meta.url));

/** Runs test files in Deno 2.1.4, which is what hosted Edge Functions run on. Prints its report in full only when one fails. */
export async function runDenoTests(files: string[]): Promise<Totals> {
  const totals = noTests();
  const { status, output } = await capture(deno, ["test", "--allow-all", "--no-check", ...files]);
  // "ok | 3 passed (2 steps) | 0 failed | 1 ignored (12ms)"
  const summary = output.split("\n").findLast((line) => /^(ok|FAILED) \|/.test(line)) ?? "";
  const number = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
  totals.passed = number("passed");
  totals.failed = Math.max(number("failed"), status === 0 && summary ? 0 : 1);
  if (number("ignored") > 0) countSkipped(totals, "skipped by the test itself, in Deno", number("ignored"));
  if (totals.failed > 0) {
    const said = stripVTControlCharacters(output).replace(/\nStack backtrace:[\s\S]*/, "");
    console.log(said);
    totals.failures.push(...failuresIn(said));
  }
  console.log(`${totals.failed > 0 ? "✖" : "✔"} ${files.length} files in Deno: ${totals.passed} passed`);
  return totals;
}

/** " ERRORS " is followed by each that failed, "name => file:line:column" and what was thrown, and " FAILURES " by their names alone. */
function failuresIn(output: string): FailedTest[] {
  const errors = output.split("\n ERRORS \n")[1]?.split("\n FAILURES \n")[0];
  if (errors === undefined) return [{ file: "Deno", name: "no test ran to its end", message: output.slice(-2000) }];
  return errors
    .trim()
    .split(/\n\n(?=.* => \S+:\d+:\d+\n|.* \(uncaught error\)\n)/)
    .map((error) => {
      const [first, ...lines] = error.split("\n");
      return { file: "in Deno", name: first, message: lines.join("\n") };
    });
}

function capture(command: string, args: string[]): Promise<{ status: number | null; output: string }> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { env: { ...process.env, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const collect = (chunk: Buffer) => {
      output += chunk;
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.once("error", fail);
    child.once("close", (status) => done({ status, output }));
  });
}
