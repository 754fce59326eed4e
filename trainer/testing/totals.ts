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

/** Adds the totals of one part of the run to those of the whole. */
export function addTotals(to: Totals, part: Totals): void {
  to.passed += part.passed;
  to.failed += part.failed;
  for (const [reason, number] of part.reasons) countSkipped(to, reason, number);
}

/** The line that closes a run, which programs look for: `N passed, N failed, N skipped`. */
export function summarise({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
