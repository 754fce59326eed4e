/**
 * Maximum body sizes: 64 KB, except events with 256 KB (a batch of 500 without comments may have 125 KB, one comment 30
 * KB) and recommend with 128 KB (1,000 candidates have 39 KB besides a filter and a cursor).
 */
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { test } from "node:test";
import type { EdgeFunction } from "./_shared/http/edge-function.ts";
import { secretKey, testFunction } from "./testing.ts";

const kilobytes: Record<string, number> = { events: 256, recommend: 128 };
const names = globSync("[a-z]*/handler.ts", { cwd: new URL(".", import.meta.url) }).map((path) => path.split("/")[0]);

async function functionOf(name: string): Promise<EdgeFunction<unknown>> {
  const exported = Object.values(await import(`./${name}/handler.ts`)) as EdgeFunction<unknown>[];
  const found = exported.find((each) => each.name === name);
  assert.ok(found, name);
  return found;
}

test("there are functions to send too much to", () => assert.ok(names.length >= 5, names.join()));

for (const name of names)
  test(`${name} refuses a body that is too large, whether it says how large it is or not`, async (t) => {
    const edgeFunction = await functionOf(name);
    const { maximumBodyBytes, read } = edgeFunction;
    assert.ok(maximumBodyBytes <= (kilobytes[name] ?? 64) * 1024, `${maximumBodyBytes}`);
    // without a query: there is no such database
    const { request } = testFunction(t, "postgres://127.0.0.1:1/none", edgeFunction);
    const headers = { authorization: "Bearer 0000000a-0000-4000-8000-000000000001", apikey: secretKey };
    const text = " ".repeat(maximumBodyBytes + 1);
    for (const body of [text, new Blob([text]).stream()]) {
      const response = await request(`/${name}`, { method: "POST", headers, body, duplex: "half" } as RequestInit);
      const { code } = (await response.json()).error;
      assert.deepEqual([response.status, code], read.POST ? [413, "body_too_large"] : [405, "method_not_allowed"]);
    }
  });
