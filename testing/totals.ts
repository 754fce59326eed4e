/** A test that failed: where it is, and what it said. */
export interface FailedTest {
  file: string;
  name: string;
  message: string;
}

/** How many tests passed, failed and were skipped. */
export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  /** Why tests were skipped, and how many for each reason. */
  reasons: Map<string, number>;
  failures: FailedTest[];
  /** What failed alongside other files and passed alone, which is no failure, but is said. */
  flaky: FailedTest[];
}

/** Nothing run yet. */
export function noTests(): Totals {
  return { passed: 0, failed: 0, skipped: 0, reasons: new Map(), failures: [], flaky: [] };
}

/** Counts skipped tests with their reason. */
export function countSkipped(totals: Totals, reason: string, number = 1): void {
  totals.skipped += number;
  totals.reasons.set(reason, (totals.reasons.get(reason) ?? 0) + number);
}

/** The totals of a run, from those of its parts. */
export function sumOf(parts: Totals[]): Totals {
  const sum = noTests();
  for (const { passed, failed, reasons, failures, flaky } of parts) {
    sum.passed += passed;
    sum.failed += failed;
    sum.failures.push(...failures);
    sum.flaky.push(...flaky);
    for (const [reason, number] of reasons) countSkipped(sum, reason, number);
  }
  return sum;
}

/**
 * Prints what was flaky, what failed once more, why tests were skipped, the most frequent reason first, and the line that programs look for:
 * `N passed, N failed, N skipped`. Of a message the beginning is enough here.
 */
export function printTotals({ passed, failed, skipped, reasons, failures, flaky }: Totals): void {
  for (const { file, name } of flaky)
    console.log(`flaky, failed alongside other files and passed alone: ${file}: ${name}`);
  if (failures.length > 0) console.log("\nFailed:");
  for (const { file, name, message } of failures)
    console.log(
      `✖ ${file}: ${name}\n${indent(
        message
          .match(/^.*\S.*$/gm)
          ?.slice(0, 8)
          .join("\n") ?? "",
      )}`,
    );
  for (const [reason, number] of [...reasons].sort(([, a], [, b]) => b - a))
    console.log(`skipped ${number}: ${reason}`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
}

/** Moves a text of several lines in, below what it belongs to. */
export function indent(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}
