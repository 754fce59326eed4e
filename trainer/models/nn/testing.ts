import assert from "node:assert/strict";

/** Fails unless two numbers agree within a tolerance relative to the larger, or to 1 where both are small. */
export function close(found: number, expected: number, tolerance = 1e-5): void {
  const allowed = tolerance * Math.max(1, Math.abs(found), Math.abs(expected));
  assert.ok(Math.abs(found - expected) <= allowed, `${found} is not ${expected} within ${allowed}`);
}

/** Central differences of `f` with respect to some of the values it reads (all, unless `which` gives their indices). */
export function numericalGradient(
  values: Float32Array,
  f: () => number,
  which: Iterable<number> = values.keys(),
  step = 1e-2,
): number[] {
  return Array.from(which, (i) => {
    const kept = values[i];
    values[i] = kept + step;
    const above = f();
    values[i] = kept - step;
    const below = f();
    values[i] = kept;
    return (above - below) / (2 * step);
  });
}
