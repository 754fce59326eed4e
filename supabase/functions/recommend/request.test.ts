import assert from "node:assert/strict";
import { test } from "node:test";
import { cursorAfter } from "../_shared/recommend/request/cursor.ts";
import { feedRequestOf, requestOfQuery } from "./api.ts";

const query = (...limits: string[]) => requestOfQuery(new URLSearchParams(limits.map((limit) => ["limit", limit])));

test("no body, an empty object and an empty query mean 20, ranked now", () => {
  const usual = { limit: 20, mode: "live", after: null, interests: [] };
  assert.deepEqual([feedRequestOf(""), feedRequestOf("{}"), query()], [usual, usual, usual]);
});

test("the list made ahead is asked for by mode", () => {
  assert.deepEqual(feedRequestOf('{"mode": "batch"}'), { limit: 20, mode: "batch", after: null, interests: [] });
  assert.deepEqual(requestOfQuery(new URLSearchParams("limit=5&mode=batch")), {
    limit: 5,
    mode: "batch",
    after: null,
    interests: [],
  });
});

test("an optional field that is null is as one left out", () => {
  const fields = ["limit", "mode", "after", "filter", "interests", "query", "candidates", "count_since"];
  for (const field of fields) assert.deepEqual(feedRequestOf(JSON.stringify({ [field]: null })), feedRequestOf("{}"));
  assert.deepEqual(feedRequestOf('{"filter": {"tags": null}}').filter, {});
});

test("1 to 100 are taken as they are", () => {
  for (const limit of [1, 7, 100]) {
    assert.equal(feedRequestOf(JSON.stringify({ limit })).limit, limit);
    assert.equal(query(String(limit)).limit, limit);
  }
});

test("a filter may ask for tags, authors, an age and languages", () => {
  const filter = {
    tags: ["sql", "c++", "😀", 'say "no"'],
    author_ids: ["0000000A-0000-4000-8000-000000000001"],
    max_age_days: 7,
    languages: ["en", "pt-BR"],
  };
  assert.deepEqual(feedRequestOf(JSON.stringify({ filter })).filter, { ...filter, languages: ["en", "pt-br"] });
  assert.deepEqual(feedRequestOf('{"filter": {}}').filter, {});
  assert.equal(
    feedRequestOf(JSON.stringify({ filter: { tags: Array(50).fill("x".repeat(100)) } })).filter?.tags?.length,
    50,
  );
});

test("interests are texts, up to twenty", () => {
  const interests = ["travel by train", "x".repeat(100), ...Array(18).fill("visa")];
  assert.deepEqual(feedRequestOf(JSON.stringify({ interests })).interests, interests);
});

const refused: [string, string][] = [
  ["{", "malformed_json"],
  ["limit=5", "malformed_json"],
  ["null", "invalid_body"],
  ["[]", "invalid_body"],
  ["20", "invalid_body"],
  ['"{}"', "invalid_body"],
  ['{"limit": 0}', "invalid_limit"],
  ['{"limit": -1}', "invalid_limit"],
  ['{"limit": 101}', "invalid_limit"],
  ['{"limit": 1000000000}', "invalid_limit"],
  ['{"limit": 1e400}', "invalid_limit"],
  ['{"limit": 1.5}', "invalid_limit"],
  ['{"limit": "5"}', "invalid_limit"],
  ['{"limit": true}', "invalid_limit"],
  ['{"limit": [5]}', "invalid_limit"],
  ['{"limit": {"$gt": 5}}', "invalid_limit"],
  ['{"mode": "nightly"}', "invalid_mode"],
  ['{"mode": ["batch"]}', "invalid_mode"],
  ['{"limit": 5, "mode": ""}', "invalid_mode"],
  ['{"after": 5}', "invalid_after"],
  ['{"after": ""}', "invalid_after"],
  ['{"after": "next"}', "invalid_after"],
  ['{"after": ["AQAAAAAAAAABAAAAAQ"]}', "invalid_after"],
  ['{"filter": []}', "invalid_filter"],
  ['{"filter": "sql"}', "invalid_filter"],
  ['{"filter": {"tags": "sql"}}', "invalid_filter"],
  ['{"filter": {"tags": []}}', "invalid_filter"],
  ['{"filter": {"tags": [""]}}', "invalid_filter"],
  ['{"filter": {"tags": [null]}}', "invalid_filter"],
  ['{"filter": {"tags": [1]}}', "invalid_filter"],
  ['{"filter": {"tags": {"0": "sql"}}}', "invalid_filter"],
  ['{"filter": {"tags": [["sql"]]}}', "invalid_filter"],
  ['{"filter": {"tags": ["a\\u0000b"]}}', "invalid_filter"],
  ['{"filter": {"tags": ["\\ud800"]}}', "invalid_filter"],
  ['{"filter": {"author_ids": ["ada"]}}', "invalid_filter"],
  ['{"filter": {"author_ids": []}}', "invalid_filter"],
  ['{"filter": {"author_ids": ["0000000a-0000-4000-8000-000000000001\' or true"]}}', "invalid_filter"],
  ['{"filter": {"max_age_days": 0}}', "invalid_filter"],
  ['{"filter": {"max_age_days": 1.5}}', "invalid_filter"],
  ['{"filter": {"max_age_days": "7"}}', "invalid_filter"],
  ['{"filter": {"max_age_days": 36501}}', "invalid_filter"],
  ['{"filter": {"max_age_days": 1e400}}', "invalid_filter"],
  ['{"filter": {"languages": ["english"]}}', "invalid_filter"],
  ['{"filter": {"languages": ["e"]}}', "invalid_filter"],
  ['{"filter": {"languages": ["en_US"]}}', "invalid_filter"],
  ['{"filter": {"languages": [""]}}', "invalid_filter"],
  ['{"filter": {"languages": "en"}}', "invalid_filter"],
  ['{"filter": {"tag": ["sql"]}}', "unknown_field"],
  [`{"filter": {"tags": ["${"x".repeat(101)}"]}}`, "invalid_filter"],
  [JSON.stringify({ filter: { tags: Array(51).fill("x") } }), "invalid_filter"],
  ['{"query": ""}', "invalid_query"],
  ['{"query": ["chess"]}', "invalid_query"],
  [JSON.stringify({ query: "x".repeat(201) }), "invalid_query"],
  ['{"interests": "chess"}', "invalid_interests"],
  ['{"interests": [1]}', "invalid_interests"],
  ['{"interests": [""]}', "invalid_interests"],
  ['{"interests": [["chess"]]}', "invalid_interests"],
  [JSON.stringify({ interests: ["x".repeat(101)] }), "invalid_interests"],
  [JSON.stringify({ interests: Array(21).fill("x") }), "invalid_interests"],
  ['{"interest": ["chess"]}', "unknown_field"],
  ['{"limt": 5}', "unknown_field"],
  ['{"limit": 5, "user_id": "b"}', "unknown_field"],
];
for (const [body, code] of refused)
  test(`the body ${body.slice(0, 80)} is refused as ${code}`, () => {
    assert.throws(() => feedRequestOf(body), { status: 400, code });
  });

for (const value of ["", "0", "101", "1.5", "-1", "5e1", "0x10", " 5", "five", "99999999999999999999"])
  test(`?limit=${value} is refused`, () => {
    assert.throws(() => query(value), { status: 400, code: "invalid_limit" });
  });

test("two limits in one query are refused", () => {
  assert.throws(() => query("5", "6"), { status: 400, code: "invalid_limit" });
});

for (const search of ["mode=", "mode=Batch", "mode=batch&mode=batch", "mode=batch&mode=live"])
  test(`?${search} is refused`, () => {
    assert.throws(() => requestOfQuery(new URLSearchParams(search)), { status: 400, code: "invalid_mode" });
  });

test("the cursor of an earlier page is taken, and null is the first page", () => {
  const served = { seed: -5n, keys: [1, 4_294_967_295], folded: 0 };
  const next = cursorAfter(served, [7]);
  const after = { seed: -5n, keys: [1, 4_294_967_295, 7], folded: 0 };
  assert.deepEqual(feedRequestOf(JSON.stringify({ after: next })).after, after);
  assert.deepEqual(requestOfQuery(new URLSearchParams({ after: String(next) })).after, after);
  assert.equal(feedRequestOf('{"after": null}').after, null);
});

for (const search of ["after=", "after=null", "after=AQAAAAAAAAABAAAAAQ&after=AQAAAAAAAAABAAAAAQ", "after=A%20B"])
  test(`?${search} is refused`, () => {
    assert.throws(() => requestOfQuery(new URLSearchParams(search)), { status: 400, code: "invalid_after" });
  });

test("the query takes interests as the body does, one or many, and a region of supabase-js", () => {
  const { interests } = requestOfQuery(new URLSearchParams("interests=chess&interests=travel%20by%20train"));
  assert.deepEqual(interests, ["chess", "travel by train"]);
  assert.deepEqual(requestOfQuery(new URLSearchParams("interests=chess")).interests, ["chess"]);
  const usual = feedRequestOf("");
  assert.deepEqual(requestOfQuery(new URLSearchParams("forceFunctionRegion=eu-central-1")), usual);
});

for (const [search, code] of [
  ["limt=5", "unknown_field"],
  ["limit=5&user_id=b", "unknown_field"],
  ["Limit=5", "unknown_field"],
  ["=", "unknown_field"],
  ["interest=chess", "unknown_field"],
  ["interests[]=chess", "unknown_field"],
  ["filter=sql", "unknown_field"],
  ["__proto__=x", "unknown_field"],
  ["constructor=x", "unknown_field"],
  ["interests=", "invalid_interests"],
  [`interests=${"x".repeat(101)}`, "invalid_interests"],
  [Array(21).fill("interests=x").join("&"), "invalid_interests"],
])
  test(`?${search.slice(0, 60)} is refused as ${code}`, () => {
    assert.throws(() => requestOfQuery(new URLSearchParams(search)), { status: 400, code });
  });

test("a filter's error names the part that is wrong", () => {
  assert.throws(() => feedRequestOf('{"filter": {"tags": ["a", "b", "c", 4]}}'), {
    code: "invalid_filter",
    message: "filter.tags[3]: 1 to 50 texts of 1 to 100 characters, without NUL or half a surrogate pair",
  });
});

test("what is misspelt is named, along with what there is", () => {
  const message = (read: () => unknown) => {
    try {
      return assert.fail(`it should be refused: ${read()}`);
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.equal(
    message(() => feedRequestOf('{"limt": 5}')),
    "the body has no field limt: it may have limit, mode, after, filter, interests, query, candidates and count_since",
  );
  assert.equal(
    message(() => requestOfQuery(new URLSearchParams("limt=5"))),
    "the query has no field limt: it may have limit, mode, after, interests, query and count_since",
  );
  assert.equal(
    message(() => feedRequestOf('{"filter": {"tag": []}}')),
    "the filter has no field tag: it may have tags, author_ids, max_age_days and languages",
  );
  assert.match(
    message(() => feedRequestOf(`{"${"x".repeat(1000)}": 5}`)),
    /^the body has a field that there is not: it/,
  );
});
