/** The faults of `npm run faults` can be inserted: each file contains the replaced text once. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { faults } from "./faults.ts";

test("forty faults are known, and each can be inserted at one place", () => {
  assert.equal(faults.length, 40);
  assert.equal(new Set(faults.map(({ name }) => name)).size, 40);
  for (const { name, file, find, put } of faults) {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    assert.equal(text.split(find).length, 2, `${name}: ${file} contains it once`);
    assert.notEqual(find, put);
  }
});
