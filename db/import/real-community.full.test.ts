import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { testDatabase } from "../testing.ts";
import { importBundle } from "./import-bundle.ts";

const data = process.env.COMMUNITY_DATA ?? join(import.meta.dirname, "../../../shared/data");
const folder = join(data, "ml-100k");
const skip = existsSync(folder) ? false : "no real community: set COMMUNITY_DATA to a folder with ml-100k";

test("a real community goes in whole, with its ratings and its order of time, and its clock is set back", {
  skip,
}, async (t) => {
  const database = await testDatabase(t);
  const report = await importBundle(database, folder);
  assert.deepEqual([report.users.added, report.posts.added, report.interactions.added], [943, 1682, 100_000]);
  const { rows } = await database.pool.query(
    `select
      count(*) filter (where kind = 'vote' and value < 4) + count(*) filter (where kind = 'view' and value >= 4) as misplaced,
      count(*) filter (where interaction_id < previous) as out_of_order,
      (select count(*) from recsys_engine.timeline) as states,
      recsys.clock() - max(created_at) < interval '1 hour' as is_now
    from (
      select *, lag(interaction_id) over (order by created_at, interaction_id) as previous from recsys.source_interactions
    ) as in_order`,
  );
  assert.deepEqual(rows, [{ misplaced: 0, out_of_order: 0, states: 100_000, is_now: true }]);
  const again = await importBundle(database, folder);
  assert.deepEqual(again.interactions, { read: 100_000, added: 0, updated: 0, existing: 100_000 });
  assert.equal(again.clockShift, report.clockShift);
});
