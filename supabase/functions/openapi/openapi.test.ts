/** The OpenAPI document: valid itself, and of the functions that there are. What they answer is checked by all their tests. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import type * as z from "zod";
import { apis } from "../../../client/api-document.ts";
import type { EdgeFunction } from "../_shared/http/edge-function.ts";
import { AppError } from "../_shared/http/errors.ts";
import { invalidCodes, requestOf } from "../_shared/http/request.ts";
import { consoleFunction } from "../console/handler.ts";
import { embedFunction } from "../embed/handler.ts";
import { event } from "../events/api.ts";
import { eventsFunction } from "../events/handler.ts";
import { ideasFunction } from "../ideas/handler.ts";
import { recommendFunction } from "../recommend/handler.ts";
import { similarFunction } from "../similar/handler.ts";
import { testFunction } from "../testing.ts";
import openApi from "./document.json" with { type: "json" };
import { openapiFunction } from "./handler.ts";
import { assertDocumented, assertValid } from "./testing.ts";

const folder = new URL("..", import.meta.url);
const functions: (Pick<EdgeFunction<unknown>, "name" | "callers" | "read"> & { answerVisitor?: unknown })[] = [
  consoleFunction,
  embedFunction,
  eventsFunction,
  ideasFunction,
  openapiFunction,
  recommendFunction,
  similarFunction,
];
const document = JSON.parse(JSON.stringify(openApi));

test("the document is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  assert.deepEqual(await validator.validate(structuredClone(document)), { valid: true });
  assert.equal(validator.version, "3.1");
  assert.notDeepEqual(await validator.validate({ ...document, paths: { recommend: {} } }), { valid: true });
});

test("it has every function, with its callers and methods", () => {
  const folders = globSync("[a-z]*/index.ts", { cwd: folder }).map((path) => path.split("/")[0]);
  assert.deepEqual(apis.map(({ name }) => name).sort(), folders.sort());
  assert.deepEqual(
    apis.map(({ name, callers, requests }) => [name, callers, Object.keys(requests).sort()]).sort(),
    functions.map(({ name, callers, read }) => [name, callers, Object.keys(read).sort()]).sort(),
  );
  for (const { name, answerVisitor } of functions) {
    const { post, get } = document.paths[`/${name}`];
    const keys = (post ?? get).security.flatMap((each: object) => Object.keys(each));
    assert.equal(keys.includes("publishableKey"), answerVisitor !== undefined, name);
  }
});

test("every code that it has is thrown somewhere with that status, and it has every one that is thrown", () => {
  const thrown = new Set<string>();
  for (const file of globSync("**/*.ts", { cwd: folder })) {
    if (/\.test\.ts$|(^|\/)testing\.ts$/.test(file)) continue;
    const text = readFileSync(new URL(file, folder), "utf8");
    for (const [, status, code] of text.matchAll(/new AppError\(\s*([^,]+),\s*("\w+"|[^,]+)/g))
      if (!code.startsWith("`")) thrown.add(`${status} ${code.replaceAll('"', "")}`);
  }
  for (const { requests } of apis)
    for (const request of Object.values(requests))
      for (const code of request ? invalidCodes(request) : []) thrown.add(`400 ${code}`);
  const documented = new Set(["404 not_found", "405 method_not_allowed"]);
  const codes = new Set(["not_found", "method_not_allowed"]);
  for (const operations of Object.values<Record<string, { responses: object }>>(document.paths))
    for (const { responses } of Object.values(operations))
      for (const [status, { content }] of Object.entries(responses))
        for (const code of content["application/json"].schema.allOf?.[1].properties.error.properties.code.enum ?? []) {
          documented.add(`${status} ${code}`);
          codes.add(code);
        }
  assert.deepEqual([...documented].sort(), [...thrown].sort());
  assert.deepEqual([...document.components.schemas.ErrorCode.enum].sort(), [...codes].sort());
});

test("who sends a wrong value in a field is told so under the field's code, in one line", () => {
  const told: string[] = [];
  for (const { requests } of apis)
    for (const request of Object.values(requests))
      for (const code of request ? invalidCodes(request) : []) {
        // `true` is right for none of them
        const sent = { ask: "models", [code.slice("invalid_".length)]: true };
        const { ask, ...others } = sent;
        const { shape } = request as z.ZodObject;
        assert.throws(
          () => requestOf(request as z.ZodObject, "ask" in shape ? sent : others),
          (error) => error instanceof AppError && error.code === code && /^[^\n]{10,}$/.test(error.message),
          code,
        );
        told.push(code);
      }
  assert.ok(told.length >= 12, told.join());
});

test("a GET's parameters are the fields of its request", () => {
  const [limit, mode] = document.paths["/recommend"].get.parameters;
  assert.deepEqual(
    [limit.name, limit.in, limit.required ?? false, limit.schema],
    [
      "limit",
      "query",
      false,
      { default: 20, description: limit.description, type: "integer", minimum: 1, maximum: 100 },
    ],
  );
  assert.deepEqual([mode.name, mode.schema.enum], ["mode", ["live", "batch"]]);
});

test("a body that may be left out is one of which all may be left out", () => {
  const required = ["recommend", "events", "similar"].map(
    (name) => document.paths[`/${name}`].post.requestBody.required,
  );
  assert.deepEqual(required, [false, true, true]);
});

test("an event is valid under the document where the function takes it", () => {
  const id = "0000000a-0000-4000-8000-000000000001";
  const at = "2026-01-31T17:05:00Z";
  const some: unknown[] = [
    { id, type: "view", post_id: id, value: 3.5, occurred_at: at },
    { id, type: "vote", post_id: id, value: -1 },
    { id, type: "vote", post_id: id, value: 2 },
    { id, type: "vote", post_id: id },
    { id, type: "comment", post_id: id, body: "so it is" },
    { id, type: "comment", post_id: id, body: "" },
    { id, type: "login" },
    { id, type: "login", post_id: id },
    { id, type: "seen", post_id: id, request_id: id },
    { id, type: "dismiss", post_id: "7" },
    { id: "7", type: "login" },
    { id, type: "login", occurred_at: "yesterday" },
    {},
  ];
  const taken = some.filter((each) => event.safeParse(each).success);
  assert.equal(taken.length, 5);
  for (const each of some) {
    const check = () => assertValid("openapi#/components/schemas/Event", each);
    if (taken.includes(each)) check();
    else assert.throws(check, JSON.stringify(each));
  }
});

test("anyone may read it, and it answers with what it says", async (t) => {
  // it asks the database for nothing
  const { request } = testFunction(t, "postgres://127.0.0.1:1/none", openapiFunction);
  const response = await request("/openapi");
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), document);
  assert.equal((await request("/openapi", { method: "POST" })).status, 405);
});

test("the check that all tests make sees what is not in the document", async () => {
  const headers = { "recsys-api-version": "1" };
  const answer = (body: unknown, status = 200) => Response.json(body, { status, headers });
  const failure = (code: string) => ({ error: { code, message: "" } });
  await assertDocumented("/embed", "POST", answer({ completed: 1, failed: 0 }));
  await assertDocumented("/embed", "POST", answer(failure("timeout"), 504));
  for (const [name, response] of [
    ["a field more", answer({ completed: 1, failed: 0, more: 1 })],
    ["a field less", answer({ completed: 1 })],
    ["another type", answer({ completed: "1", failed: 0 })],
    ["another function's code", answer(failure("unknown_user"), 503)],
    ["another status", answer(failure("timeout"), 418)],
    ["no version", Response.json({ completed: 1, failed: 0 })],
  ] as const)
    await assert.rejects(assertDocumented("/embed", "POST", response), assert.AssertionError, name);
});
