import assert from "node:assert/strict";

/** Asserts that two lists of numbers agree within `tolerance`, relative where the expected number is above 1. */
export function assertClose(
  actual: ArrayLike<number | bigint>,
  expected: ArrayLike<number | bigint>,
  tolerance: number,
  what: string,
): void {
  assert.equal(actual.length, expected.length, `${what}: number of elements`);
  for (let index = 0; index < expected.length; index++) {
    const [got, wanted] = [Number(actual[index]), Number(expected[index])];
    const allowed = tolerance * Math.max(1, Math.abs(wanted));
    // Written so that NaN fails.
    assert.ok(Math.abs(got - wanted) <= allowed, `${what}: element ${index} is ${got}, not ${wanted}`);
  }
}
