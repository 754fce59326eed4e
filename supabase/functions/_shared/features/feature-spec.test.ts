import assert from "node:assert/strict";
import { test } from "node:test";
import { featureSpec, featureSpecDigest } from "./feature-spec.ts";

test("the digest stays what it is, in Node and in Deno: another one makes every published model incompatible", async () => {
  assert.equal(
    await featureSpecDigest(),
    "37156c1a205eba13055d144fba2ef50b4f79a7eef95558d45445d82c7f8a1b36",
    "if a feature was meant to change, write the new digest here; all models must be trained again",
  );
});

test("values that change a feature are in the spec, and what only explains is not", () => {
  const text = JSON.stringify(featureSpec);
  for (const part of [
    '"half_lives":[1,6,24,168,720]',
    '"size":300',
    '"historyInteractions":200',
    '"bucketsPerDoubling":4',
  ])
    assert.ok(text.includes(part), part);
  assert.ok(!text.includes("telling"));
});
