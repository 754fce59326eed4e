/** How many tests passed, failed and were skipped. */
export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  /** Why tests were skipped, and how many for each reason. */
  reasons: Map<string, number>;
}

/** Nothing run yet. */
export function noTests(): Totals {
  return { passed: 0, failed: 0, skipped: 0, reasons: new Map() };
}

/** Counts skipped tests with their reason. */
export function countSkipped(totals: Totals, reason: string, number = 1): void {
  totals.skipped += number;
  totals.reasons.set(reason, (totals.reasons.get(reason) ?? 0) + number);
}

/** The totals of a run, from those of its parts. */
export function sumOf(parts: Totals[]): Totals {
  const sum = noTests();
  for (const { passed, failed, reasons } of parts) {
    sum.passed += passed;
    sum.failed += failed;
    for (const [reason, number] of reasons) countSkipped(sum, reason, number);
  }
  return sum;
}

/** Prints why tests were skipped, the most frequent reason first, and the line that programs look for: `N passed, N failed, N skipped`. */
export function printTotals({ passed, failed, skipped, reasons }: Totals): void {
  for (const [reason, number] of [...reasons].sort(([, a], [, b]) => b - a))
    console.log(`skipped ${number}: ${reason}`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
}
