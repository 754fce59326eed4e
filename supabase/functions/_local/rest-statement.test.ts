/** Supported PostgREST requests, and that no other text gets into a statement. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NotSpoken, statementOf } from "./rest-statement.ts";

const ask = (method: string, table: string, query = "", body = "", returns = false) =>
  statementOf({ method, table, query: new URLSearchParams(query), body, returns });

test("columns, filters, order and limit, values apart from the text", () => {
  const { text, values } = ask(
    "GET",
    "posts",
    "select=id,title&author_id=eq.7&id=in.(a1,b2)&order=created_at.desc&limit=3",
  );
  assert.deepEqual(values, ["7", ["a1", "b2"], 3]);
  assert.match(
    text,
    /select public\."posts"\."id", public\."posts"\."title" from public\."posts" where public\."posts"\."author_id" = \$1 and public\."posts"\."id" = any\(\$2\) order by "created_at" desc limit \$3/,
  );
});

test("an insert writes the columns of the row, an update too, a delete what fits", () => {
  const row = JSON.stringify({ kind: "topic", value: "it's; drop table posts" });
  const inserted = ask("POST", "mutes", "", row);
  assert.match(
    inserted.text,
    /insert into public\."mutes" \("kind", "value"\) select "kind", "value" from json_populate/,
  );
  assert.deepEqual(inserted.values, [`[${row}]`]);
  // for a table whose writers may not read every column
  assert.match(inserted.text, /as given returning 1\)/);
  assert.match(ask("POST", "mutes", "select=kind", row, true).text, /returning public\."mutes"\."kind"\)/);
  assert.match(
    ask("PATCH", "profiles", "id=eq.7", '{"bio":"x"}').text,
    /set "bio" = given\."bio" .* where .*"id" = \$2/,
  );
  assert.match(ask("DELETE", "mutes", "value=eq.a,b").text, /delete from public\."mutes" where .*"value" = \$1/);
});

test("a value that looks like SQL, or like another filter, stays a value", () => {
  const value = "'); delete from posts; --,eq.(x)";
  assert.deepEqual(ask("GET", "mutes", `value=eq.${encodeURIComponent(value)}`).values, [value, 1000]);
});

test("no answer has more rows than on Supabase", () => {
  assert.deepEqual(ask("GET", "posts").values, [1000]);
  assert.deepEqual(ask("GET", "posts", "limit=5000").values, [1000]);
});

for (const [name, method, table, query, body] of [
  ["another table", "GET", "users", "", ""],
  ["a table of the engine", "GET", "recsys.models", "", ""],
  ["an embedded table", "GET", "posts", "select=id,profiles(bio)", ""],
  ["a function as a column", "GET", "posts", "select=pg_sleep(9)", ""],
  ["a column with a quote", "GET", "posts", 'select=id"', ""],
  ["another operator", "GET", "posts", "title=ilike.*a*", ""],
  ["a logical filter", "GET", "posts", "or=(id.eq.1)", ""],
  ["a list that holds more than ids", "GET", "posts", 'id=in.("a")', ""],
  ["an order by an expression", "GET", "posts", "order=random()", ""],
  ["a limit below nothing", "GET", "posts", "limit=-1", ""],
  ["a limit that is no number", "GET", "posts", "limit=all", ""],
  ["a body that is no JSON", "POST", "posts", "", "{"],
  ["a body without a column", "POST", "posts", "", "{}"],
  ["no row", "POST", "posts", "", "[]"],
  ["null for a row", "POST", "posts", "", "null"],
  ["a column that is none", "POST", "posts", "", '{"a) select 1; --":1}'],
  ["another method", "PUT", "posts", "", "{}"],
  ["what every object has", "constructor", "posts", "", ""],
])
  test(`${name} is not spoken`, () => {
    assert.throws(() => ask(method, table, query, body), NotSpoken);
  });

test("who would change everything has to say so by a filter", () => {
  assert.throws(() => ask("DELETE", "mutes"), NotSpoken);
  assert.throws(() => ask("PATCH", "profiles", "", '{"bio":""}'), NotSpoken);
});
