import assert from "node:assert/strict";
import { test } from "node:test";
import { trainingShare } from "./training-share.ts";

test("the completed share never decreases, also when a step restarts, and ends at 1", () => {
  const shareOf = trainingShare();
  const steps = ["import logins", "two-tower training", "two-tower training", "reading posts", "DLRM training"];
  const shares = [...steps, "two-tower training", "building the index"].flatMap((step) =>
    [0, 50, 100].map((done) => shareOf({ step, done, total: 100 })),
  );
  assert.deepEqual(
    shares,
    shares.toSorted((a, b) => a - b),
  );
  assert.equal(shares.at(-1), 1);
  // half of the second one is more than all of the first
  assert.ok(shares[7] > shares[5], shares.join());
});
