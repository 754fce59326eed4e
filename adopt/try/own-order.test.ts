/** Which order of an app's own a replay is compared with. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Table } from "../catalog/catalog.ts";
import { findOwnOrder } from "./own-order.ts";

const tableOf = (name: string, ...columns: string[]) =>
  ({ schema: "public", name, columns: columns.map((name) => ({ name, kind: "number" })) }) as unknown as Table;
const [articles, questions] = [tableOf("articles", "id", "hot_rank"), tableOf("questions", "id", "score")];

test("a column that holds a score is the order of one table, as it is today; one with :at is as of an instant", () => {
  assert.deepEqual(findOwnOrder([articles], undefined), { sql: "hot_rank", isAsOf: false });
  assert.deepEqual(findOwnOrder([articles], "votes_at(id, :at)"), { sql: "votes_at(id, :at)", isAsOf: true });
  assert.equal(findOwnOrder([tableOf("notes", "id")], undefined), undefined);
});

test("several tables have no order of their own, and one that is named is refused", () => {
  assert.equal(findOwnOrder([articles, questions], undefined), undefined);
  assert.throws(() => findOwnOrder([articles, questions], "score"), {
    message:
      "--order is an expression over one table, and posts are in public.articles, public.questions: leave --order out",
  });
});
