/** What a minor version may not take away. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { brokenPromises } from "./promises.ts";

const takes = (args: string, gives = "integer") =>
  `CREATE OR REPLACE FUNCTION recsys.f(${args})\n RETURNS ${gives}\n LANGUAGE sql\nRETURN 1`;
const was = {
  "function recsys.f(uuid)": takes("p_id uuid"),
  "rights on function recsys.f(uuid)": "execute to anon, execute to service_role",
  "view recsys.v": "create or replace view recsys.v as select",
  "column recsys.v.a": "integer",
  "column recsys.v.b": "text",
  "rights on table recsys.v": "select to service_role",
  "table recsys.t": "row level security",
  "column recsys.t.c": "integer not null default 1 storage p",
  "column recsys.t.d": "integer storage p",
  "type recsys.k": "",
  "function recsys_engine.g()": takes(""),
  "view recsys_engine.w": "",
};
type Change = (objects: Record<string, string>) => void;
/** What is broken by a change of these objects. */
function brokenBy(change: Change): string[] {
  const is: Record<string, string> = { ...was };
  change(is);
  return brokenPromises(new Map(Object.entries(was)), new Map(Object.entries(is)));
}
const without =
  (...names: string[]): Change =>
  (objects) => {
    for (const name of names) delete objects[name];
  };

test("what is added, and whatever becomes of the engine, breaks none", () => {
  for (const change of [
    () => undefined,
    without("function recsys_engine.g()", "view recsys_engine.w"),
    (objects) =>
      Object.assign(objects, {
        "column recsys.v.c": "text",
        "table recsys.more": "",
        "column recsys.t.c": "integer not null default 2 storage p",
      }),
    (objects) => Object.assign(objects, { "rights on table recsys.v": "select to anon, select to service_role" }),
    // a further argument that may be left out
    (objects) => {
      without("function recsys.f(uuid)", "rights on function recsys.f(uuid)")(objects);
      objects["function recsys.f(uuid, text)"] = takes("p_id uuid, p_by text DEFAULT NULL::text");
    },
  ] satisfies Change[])
    assert.deepEqual(brokenBy(change), []);
});

test("what somebody may miss does", () => {
  const cases: [broken: string, change: Change][] = [
    ["function recsys.f(uuid)", without("function recsys.f(uuid)", "rights on function recsys.f(uuid)")],
    [
      "function recsys.f(uuid)",
      (objects) => Object.assign(objects, { "function recsys.f(uuid)": takes("p_id uuid", "bigint") }),
    ],
    [
      "function recsys.f(uuid)",
      (objects) => Object.assign(objects, { "function recsys.f(uuid)": takes("p_post_id uuid") }),
    ],
    [
      "function recsys.f(uuid)",
      (objects) => {
        without("function recsys.f(uuid)", "rights on function recsys.f(uuid)")(objects);
        objects["function recsys.f(uuid, text)"] = takes("p_id uuid, p_by text");
      },
    ],
    [
      "rights on function recsys.f(uuid)",
      (objects) => Object.assign(objects, { "rights on function recsys.f(uuid)": "execute to service_role" }),
    ],
    ["rights on table recsys.v", without("rights on table recsys.v")],
    ["column recsys.v.b", (objects) => Object.assign(objects, { "column recsys.v.b": "integer" })],
    [
      "view recsys.v",
      (objects) => {
        without("column recsys.v.a")(objects);
        objects["column recsys.v.a"] = "integer";
      },
    ],
    ["column recsys.t.d", (objects) => Object.assign(objects, { "column recsys.t.d": "integer not null storage p" })],
    ["type recsys.k", without("type recsys.k")],
  ];
  for (const [broken, change] of cases) assert.deepEqual(brokenBy(change), [broken]);
});
