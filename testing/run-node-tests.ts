import { relative } from "node:path";
import { run } from "node:test";
import { countSkipped, noTests, type Totals } from "./totals.ts";

/**
 * Runs test files with node:test, each in its own process. Prints one line per file, and failures in full as they happen. Gives the
 * totals of each file, by its name.
 */
export async function runNodeTests(files: string[], concurrency: number): Promise<Map<string, Totals>> {
  const ofFiles = new Map<string, Totals>();
  const failed = new Set<string>();
  for await (const { type, data } of run({ files, concurrency, timeout: 600_000 })) {
    const name = "file" in data && data.file ? relative(process.cwd(), data.file) : "";
    const totals = ofFiles.get(name) ?? noTests();
    ofFiles.set(name, totals);
    if (type === "test:pass") {
      if (data.skip !== undefined)
        countSkipped(totals, typeof data.skip === "string" ? data.skip : `${data.name}: no reason given`);
      else if (data.details.type !== "suite") totals.passed += 1;
    } else if (type === "test:fail") {
      failed.add(data.file ?? "");
      // its subtests have been counted and printed
      if (isFailureOfSubtests(data.details.error)) continue;
      totals.failed += 1;
      console.log(`\n✖ ${data.name}  (${name}:${data.line ?? 0})`);
      console.log(`${indent(describe(data.details.error))}\n`);
    } else if (type === "test:stderr") {
      process.stderr.write(data.message);
    } else if (type === "test:summary" && data.file !== undefined) {
      const { counts, duration_ms: duration } = data;
      const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
      const mark = failed.has(data.file) || !data.success ? "✖" : "✔";
      console.log(`${mark} ${name}: ${counts.passed} passed${skipped} (${(duration / 1000).toFixed(1)} s)`);
    }
  }
  return ofFiles;
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

function indent(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}
