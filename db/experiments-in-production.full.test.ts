/** The SQL of docs/experiments-in-production.md runs as it stands, in its order, and gives the columns and the verdict that the document shows. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { publishTinyModel } from "../testing/community.ts";
import { simulateExample } from "../testing/experiments.ts";
import { simulateInterleavingExample } from "../testing/interleaving.ts";
import { drawPlaces, drawWorld, writePlaces } from "../testing/off-policy.ts";
import { stream } from "../trainer/data/synthetic/draws.ts";
import { testDatabase } from "./testing.ts";
import { runBlock, sqlBlocks } from "./testing-documents.ts";

const text = await readFile(new URL("../docs/experiments-in-production.md", import.meta.url), "utf8");

test("the SQL of docs/experiments-in-production.md", async (t) => {
  const { pool } = await testDatabase(t, "experiments_document");
  for (const name of ["model-20261125-034107512", "model-20261124-034102291"]) await publishTinyModel(pool, { name });
  const blocks = sqlBlocks(text);
  assert.ok(blocks.filter(({ output }) => output !== undefined).length >= 5, "blocks with their output are found");
  for (const [i, block] of blocks.entries()) {
    const shadow = /start_shadow\('([^']+)'/.exec(block.sql)?.[1];
    if (shadow !== undefined)
      await pool.query(
        "insert into recsys.models (name, status, feature_spec, feature_spec_digest) values ($1, 'ready', '{}', '')",
        [shadow],
      );
    await t.test(block.sql.trim().split("\n")[0], () => runBlock(pool, block));
    if (shadow !== undefined) {
      const { rows } = await pool.query("select model_id from recsys.shadows");
      await writePlaces(pool, drawPlaces(drawWorld(5, 0.1), stream(1, "example"), 2000), 3, rows[0].model_id);
    }
    const name = i === 0 ? "weights" : block.sql.includes("interleave_with") ? "newer" : undefined;
    if (!name) continue;
    await (i === 0 ? simulateExample(pool) : simulateInterleavingExample(pool));
    const { rows } = await pool.query("select verdict from recsys.experiment_verdict($1)", [name]);
    assert.ok(text.includes(rows[0].verdict), rows[0].verdict);
  }
});
