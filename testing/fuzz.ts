/**
 * For tests: a function is sent generated requests, most of them nearly right, and everything that must hold of every answer is held:
 * no 5xx, no hang, one known form of error, nothing of the inside in it, nothing in the operator's log, nothing in the database that
 * the function does not write.
 */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import type { Database } from "../db/connect.ts";
import { createVerifier } from "../supabase/functions/_shared/http/auth.ts";
import type { EdgeFunction } from "../supabase/functions/_shared/http/edge-function.ts";
import { publishableKey, secretKey, type TestServices, testFunction } from "../supabase/functions/testing.ts";
import { clear, fillCommunity, people, publishTinyModel, uuid } from "./community.ts";
import { courses } from "./courses.ts";

/** `npm run test:soak` sends 10,000 to each function. */
const requests = Number(process.env.FUZZ ?? 60 * courses.length);
const seed = Number(process.env.SEED ?? 1 + courses[0]);
const longestSeconds = 10;

/** Texts that broke something somewhere: SQL, JSON, Unicode, paths, headers. */
const nastyTexts = [
  "",
  " ",
  "'",
  '"',
  "\\",
  "\\'",
  "$1",
  "%",
  "_",
  "null",
  "'; drop table public.canary; --",
  "'); delete from public.canary; --",
  '"; drop schema recsys, recsys_engine cascade; --',
  "1 or 1=1",
  "' or ''='",
  "' union select rolpassword from pg_authid --",
  "'||pg_sleep(30)||'",
  "1; select pg_sleep(30)",
  "$$; select pg_sleep(30); $$",
  "}', '{",
  "\\x00",
  "\0",
  "\ud800",
  "\ufeff",
  "\u202e",
  "👩‍👩‍👧‍👦".repeat(50),
  "x".repeat(20_000),
  "漢".repeat(11_000),
  "../../../etc/passwd",
  "file:///etc/passwd",
  "<script>alert(1)</script>",
  "a\r\nset-cookie: b",
  "{{7*7}}",
  "__proto__",
  "constructor",
  "2026-02-30T00:00:00Z",
  "-infinity",
  "1e400",
  "0x10",
  "00000000-0000-0000-0000-000000000000",
  "{0000000a-0000-4000-8000-000000000001}",
  people.ben,
];
export const nastyText: fc.Arbitrary<string> = fc.constantFrom(...nastyTexts);

/** Any value that JSON can hold and a parameter should not. */
export const nasty: fc.Arbitrary<unknown> = fc.oneof(
  nastyText,
  fc.constantFrom(0, -0, -1, 1.5, 101, 2 ** 31, 2 ** 53, -1e308, 1e308, null, true, false, [], {}, [[]], [null]),
  fc.jsonValue({ maxDepth: 4 }),
  nastyText.map((text) => ({ [text]: text })),
  nastyText.map((text) => [text, text]),
  fc.integer({ min: 2, max: 500 }).map(nested),
);

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let n = 0; n < depth; n++) value = n % 2 ? [value] : { a: value };
  return value;
}

/** A value that is right nine times of ten. */
export function mostly<T>(right: fc.Arbitrary<T>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 9, arbitrary: right as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: nasty });
}

/** The user of the token: mostly a known one. */
const issuer = "https://abc.supabase.co/auth/v1";
const tokenSecret = "a secret of thirty-two characters or more";
const inAnHour = Math.floor(Date.now() / 1000) + 3600;
const claims = fc.record({
  sub: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...Object.values(people)) as fc.Arbitrary<unknown> },
    { weight: 1, arbitrary: fc.oneof(fc.constant(uuid("e", 1)), nasty) },
  ),
  role: rarelyNasty("authenticated"),
  aud: rarelyNasty("authenticated"),
  iss: rarelyNasty(issuer),
  exp: rarelyNasty(inAnHour),
  is_anonymous: fc.boolean(),
  // what an app's users may write into their own tokens
  user_metadata: fc.oneof(
    { weight: 5, arbitrary: fc.constant({}) as fc.Arbitrary<unknown> },
    { weight: 1, arbitrary: storable() },
  ),
});
const token = fc
  .tuple(rarelyNasty("HS256"), claims, rarelyNasty("JWT"))
  .map(([alg, payload, typ]) => signed({ alg, typ }, payload));

function rarelyNasty(right: unknown): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 30, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: nasty });
}

/** Supabase Auth keeps metadata as jsonb, which holds neither NUL nor half a surrogate pair. */
function storable(): fc.Arbitrary<unknown> {
  return nasty.filter((value) => !/\\u0000|\\ud[89a-f]/i.test(JSON.stringify(value)));
}

function signed(header: unknown, payload: unknown): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part(header)}.${part(payload)}`;
  return `${text}.${createHmac("sha256", tokenSecret).update(text).digest("base64url")}`;
}

/** What may stand in a header; other text never gets as far as a function. */
const headerText = fc
  .oneof(nastyText, fc.string({ maxLength: 100 }))
  .filter((text) => /^[\t\x20-\x7e\x80-\xff]*$/.test(text));

const authorization = fc.oneof(
  { weight: 20, arbitrary: token.map((text) => `Bearer ${text}`) },
  { weight: 1, arbitrary: headerText },
  { weight: 1, arbitrary: headerText.map((text) => `Bearer ${text}`) },
  { weight: 1, arbitrary: fc.constantFrom("Bearer sb_publishable_a", `Bearer ${secretKey}`, "Basic YTpi") },
  { weight: 3, arbitrary: fc.constant(`Bearer ${publishableKey}`) },
);

const headers = fc.record(
  {
    authorization,
    apikey: fc.oneof({ weight: 9, arbitrary: fc.constant(secretKey) }, { weight: 1, arbitrary: headerText }),
    "content-type": fc.oneof(fc.constant("application/json"), headerText),
    origin: headerText,
    "access-control-request-method": headerText,
    "access-control-request-headers": headerText,
    "x-forwarded-for": headerText,
    "cf-connecting-ip": fc.oneof(fc.ipV4(), fc.ipV6(), headerText),
    "content-encoding": headerText,
  },
  { requiredKeys: ["authorization", "apikey"] },
);

/** A body: mostly as the function takes it. */
function bodyOf(right: fc.Arbitrary<unknown>): fc.Arbitrary<string | Uint8Array> {
  return fc.oneof(
    { weight: 20, arbitrary: right.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: nasty.map((value) => JSON.stringify(value)) },
    // cut off, or with a part that is no JSON
    { weight: 1, arbitrary: fc.tuple(right, fc.nat(200)).map(([value, end]) => JSON.stringify(value).slice(0, end)) },
    { weight: 1, arbitrary: fc.tuple(right, nastyText).map(([value, text]) => `${JSON.stringify(value)}${text}`) },
    { weight: 1, arbitrary: nastyText },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
    { weight: 1, arbitrary: fc.constantFrom("[".repeat(100_000), `{"__proto__": {"limit": 5}}`, " ".repeat(2 ** 21)) },
  );
}

export interface FuzzOptions {
  /** A body that the function takes, or nearly. */
  body: fc.Arbitrary<unknown>;
  /** The names in the query string. */
  parameters?: string[];
  /** The tables that a good request may change. */
  writes: string[];
  /** The statuses that are all among the answers. */
  statuses: number[];
}

/** Sends the requests, and throws where an answer is not as it should be. `scope` closes what is opened. */
export async function fuzz<Input>(
  scope: { after(clean: () => Promise<void>): void },
  { pool, url }: Database,
  edgeFunction: EdgeFunction<Input, TestServices>,
  { body, parameters = [], writes, statuses }: FuzzOptions,
): Promise<void> {
  await clear(pool);
  await fillCommunity(pool);
  await publishTinyModel(pool, { name: "tiny" });
  await pool.query("create table if not exists public.canary (song text); insert into public.canary values ('tweet')");
  await pool.query("update recsys.settings set requests_per_minute = null");
  const before = await contents(pool, writes);
  const verify = createVerifier({ secret: tokenSecret, issuers: [issuer] });
  const app = testFunction<Input, unknown>(scope, url, edgeFunction, { verify });
  const query = fc.dictionary(fc.oneof(fc.constantFrom("limit", "mode", ...parameters), nastyText), nastyText, {
    maxKeys: 3,
  });
  const request = fc.record({
    method: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...Object.keys(edgeFunction.read)) },
      { weight: 1, arbitrary: fc.constantFrom("GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS") },
    ),
    path: fc.oneof(
      { weight: 20, arbitrary: fc.constant("") },
      { weight: 1, arbitrary: nastyText.map((text) => `/${encodeURIComponent(text.toWellFormed())}`) },
    ),
    query: fc.oneof(fc.constant({}), query),
    headers,
    body: bodyOf(body),
  });
  const answered = new Set<number>();
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, query, headers, body }) => {
      const search = new URLSearchParams(query).toString();
      const init = { method, headers, ...(!["GET", "HEAD"].includes(method) && { body: body as BodyInit }) };
      const response = await within(app.request(`/${edgeFunction.name}${path}${search && `?${search}`}`, init));
      await judge(response, method);
      answered.add(response.status);
      assert.deepEqual(app.logged, []);
    }),
    { numRuns: requests, seed, endOnFailure: true },
  );
  await app.settled();
  assert.deepEqual(app.logged, []);
  assert.deepEqual(await contents(pool, writes), before, "nothing changed that the function does not write");
  // some come about once in a hundred requests
  if (requests >= 300) for (const status of statuses) assert.ok(answered.has(status), `${status} is among the answers`);
}

/** @throws Error where there is no answer in time */
async function within(answer: Promise<Response>): Promise<Response> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`no answer in ${longestSeconds} s`)), 1000 * longestSeconds);
  });
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

async function judge(response: Response, method: string): Promise<void> {
  const text = await response.text();
  assert.ok([200, 204, 400, 401, 404, 405, 413].includes(response.status), `${response.status} ${text.slice(0, 500)}`);
  if (response.status === 204 || method === "HEAD") return;
  assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
  assert.doesNotMatch(
    // a cursor is random, and may spell anything
    text.replace(/"next":"[\w-]+"/, ""),
    /\b(select|insert|update|delete) |\bpg_|\.ts\b|node_modules|file:|\/work|postgres|sb_secret|eyJ|canary/i,
  );
  const parsed = JSON.parse(text);
  if (response.status === 200) return;
  assert.deepEqual(Object.keys(parsed), ["error"]);
  assert.match(parsed.error.code, /^[a-z_]+$/);
  assert.match(parsed.error.message, /^[^\n]{10,200}$/);
}

/** Every table's rows and all roles, as digests; but those tables that may change. */
async function contents(pool: Database["pool"], changing: string[]): Promise<Record<string, string>> {
  const { rows } = await pool.query(
    `select oid::regclass::text as name from pg_class
     where relnamespace in ('public'::regnamespace, 'recsys'::regnamespace, 'recsys_engine'::regnamespace) and relkind in ('r', 'p') and not relispartition order by 1`,
  );
  const digests: Record<string, string> = {};
  for (const { name } of [...rows, { name: "pg_catalog.pg_roles" }]) {
    if (changing.includes(name)) continue;
    // other files make roles of their own on the same server meanwhile
    const which = name === "pg_catalog.pg_roles" ? "where any_row.rolname !~ '^recsys_'" : "";
    const digest = await pool.query(
      `select md5(string_agg(any_row::text, ',' order by any_row::text)) as digest from ${name} as any_row ${which}`,
    );
    digests[name] = digest.rows[0].digest;
  }
  return digests;
}
