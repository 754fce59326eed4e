import assert from "node:assert/strict";
import { test } from "node:test";
import { allowedOrigins } from "./origins.ts";

test("no list means any website", () => {
  for (const list of [undefined, "", " , ", "*"]) assert.equal(allowedOrigins(list), "*");
});

test("a list names origins, as browsers do", () => {
  assert.deepEqual(allowedOrigins("https://app.example"), ["https://app.example"]);
  assert.deepEqual(allowedOrigins("https://App.example/, http://localhost:3000"), [
    "https://app.example",
    "http://localhost:3000",
  ]);
});

for (const entry of [
  "app.example",
  "https://app.example/feed",
  "https://*.app.example",
  "null",
  "file:///",
  "https://a@app.example",
  "x:y",
])
  test(`${entry} is no origin`, () => {
    assert.throws(() => allowedOrigins(`https://app.example ${entry}`), { message: /^ALLOWED_ORIGINS has / });
  });
