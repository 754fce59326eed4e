/** For tests: sums, shares, the normal density and its integrals, by other ways than the database's. */
import assert from "node:assert/strict";

export const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
export const share = <T>(values: T[], holds: (value: T) => boolean) => values.filter(holds).length / values.length;

/** The integral of f by Simpson's rule. */
export function integral(f: (x: number) => number, from: number, to: number, steps = 20_000): number {
  const h = (to - from) / steps;
  let total = f(from) + f(to);
  for (let i = 1; i < steps; i++) total += (i % 2 ? 4 : 2) * f(from + i * h);
  return (total * h) / 3;
}

export function density(x: number, variance = 1): number {
  return Math.exp((-x * x) / (2 * variance)) / Math.sqrt(2 * Math.PI * variance);
}

/** Asserts that two numbers agree to six digits. */
export function near(actual: number, expected: number, what: string): void {
  assert.ok(
    Math.abs(actual - expected) <= 1e-6 * Math.max(1e-3, Math.abs(expected)),
    `${what}: ${actual}, not ${expected}`,
  );
}
