import type { Estimate } from "../metrics/statistics.ts";

/** Rows as a table aligned for the terminal: the first column to the left, numbers to the right. */
export function table(header: string[], rows: string[][]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row: string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("  ");
  return [line(header), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

/** A share with three decimals, "–" where there is none. */
export function shareCell(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : "–";
}

/** A difference with its sign. */
export function signedCell(value: number): string {
  return Number.isFinite(value) ? (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3) : "–";
}

/** A paired difference with its standard error. */
export function pairedCell({ mean, error }: Estimate): string {
  return `${signedCell(mean)} ± ${shareCell(error)}`;
}

/** A difference with its 95 % interval. */
export function intervalCell({ mean, error }: Estimate): string {
  if (!Number.isFinite(error)) return signedCell(mean);
  return `${signedCell(mean)} (${signedCell(mean - 1.96 * error)} to ${signedCell(mean + 1.96 * error)})`;
}
