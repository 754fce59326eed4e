import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";

/** For tests: waits until a condition holds, and fails after 15 s. */
export async function eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 15_000; !(await holds()); await setTimeout(50))
    assert.ok(Date.now() < end, `${what}: not within 15 s`);
}
