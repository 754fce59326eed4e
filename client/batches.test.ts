import assert from "node:assert/strict";
import { test } from "node:test";
import { batchOfBody } from "../supabase/functions/events/check-events.ts";
import { eventsFunction } from "../supabase/functions/events/handler.ts";
import { batchesOf } from "./src/batches.ts";
import type { Event } from "./src/types.ts";

const id = "0000000a-0000-4000-8000-000000000001";

test("batches keep the order, and each is one that the function takes", () => {
  const login: Event = { id, type: "login" };
  // 10,000 letters of three bytes
  const comment: Event = { id, type: "comment", post_id: id, body: "€".repeat(10_000) };
  for (const events of [[], [login], Array(500).fill(login), Array(1001).fill(login), Array(100).fill(comment)]) {
    const batches = batchesOf(events);
    assert.deepEqual(batches.flat(), events);
    for (const batch of batches) {
      const body = JSON.stringify({ events: batch });
      assert.ok(Buffer.byteLength(body) <= eventsFunction.maximumBodyBytes);
      assert.equal(batchOfBody(body).length, batch.length);
      assert.ok(batch.length > 0);
    }
  }
  assert.deepEqual(
    [500, 501, 1001].map((length) => batchesOf(Array(length).fill(login)).length),
    [1, 2, 3],
  );
  assert.equal(batchesOf(Array(100).fill(comment)).length, 13);
});
