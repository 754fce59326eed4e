/** What PostgreSQL expects of the query that every feed begins with: where it may, it compiles what it takes for expensive. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testDatabase } from "../../../db/testing.ts";
import { fillCommunity, people } from "../../../trainer/serve/testing.ts";
import { readContext } from "../_shared/recommend/read-context.ts";

const { pool } = await testDatabase({ after }, "plans");

test("a feed's first query is too cheap to be compiled, also where no table was ever analysed", async () => {
  await fillCommunity(pool);
  const { text, values } = readContext(people.ada);
  const { rows } = await pool.query(`explain (format json) ${text}`, values);
  const cost = rows[0]["QUERY PLAN"][0].Plan["Total Cost"];
  // jit_above_cost is 100,000 where nobody set it
  assert.ok(cost < 10_000, `it is expected to cost ${cost}`);
});
