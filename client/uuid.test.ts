import assert from "node:assert/strict";
import { test } from "node:test";
import { randomUuid } from "./src/uuid.ts";

/** Random ids in a place that has no more of crypto than this. */
function idsWith(crypto: object | undefined): string[] {
  const own = Object.getOwnPropertyDescriptor(globalThis, "crypto") as PropertyDescriptor;
  Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
  try {
    return Array.from({ length: 1000 }, randomUuid);
  } finally {
    Object.defineProperty(globalThis, "crypto", own);
  }
}

test("ids are random UUIDs, with crypto.randomUUID and, as in a page on plain http, without it", () => {
  const { crypto } = globalThis;
  const getRandomValues = (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes);
  for (const ids of [idsWith(crypto), idsWith({ getRandomValues })]) {
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(new Set(ids).size, 1000);
  }
  // every bit that may vary does
  const bits = idsWith({ getRandomValues }).map((id) => BigInt(`0x${id.replaceAll("-", "")}`));
  const varying = bits.reduce((all, each) => all | (each ^ bits[0]), 0n);
  assert.equal(varying.toString(2).replaceAll("0", "").length, 122);
});

test("where there is neither, one line says what to do", () => {
  for (const crypto of [undefined, {}])
    assert.throws(() => idsWith(crypto), /React Native, import "react-native-get-random-values" first/);
});
