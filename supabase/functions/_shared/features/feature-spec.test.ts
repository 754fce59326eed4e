import assert from "node:assert/strict";
import { test } from "node:test";
import { featureSpec, featureSpecDigest } from "./feature-spec.ts";

test("the digest stays what it is, in Node and in Deno: another one makes every published model incompatible", async () => {
  assert.equal(
    await featureSpecDigest(),
    "1d158f248f8ebdff82f7bdb6f4e724cb95d831683d44d4e4694cf4e54f60b3a1",
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
