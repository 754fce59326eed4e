import assert from "node:assert/strict";
import { test } from "node:test";
import { externalUuid } from "./known-ids.ts";

test("an id has the same uuid for ever: stored rows depend on it", () => {
  // printf '<namespace>user:42' | sha1sum, with version 5 and variant 10 put in
  assert.equal(externalUuid("user", "42"), "a1fa5835-3d4f-579e-9561-1736c9c78925");
});

test("users and posts with the same id, and ids of any script, have uuids of their own", () => {
  const uuids = ["user", "post", "project", "request"].flatMap((kind) =>
    ["42", " 42", "é", "e\u0301", "💡"].map((id) => externalUuid(kind as "user", id)),
  );
  assert.equal(new Set(uuids).size, 20);
  for (const uuid of uuids) assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
