/** The SQL of docs/experiments-in-production.md runs as it stands, in its order, and gives the columns and the verdict that the document shows. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { testDatabase } from "./testing.ts";
import { runBlock, sqlBlocks } from "./testing-documents.ts";
import { simulateExample } from "./testing-experiments.ts";

const text = await readFile(new URL("../docs/experiments-in-production.md", import.meta.url), "utf8");

test("the SQL of docs/experiments-in-production.md", async (t) => {
  const { pool } = await testDatabase(t, "experiments_document");
  const blocks = sqlBlocks(text);
  assert.ok(blocks.filter(({ output }) => output !== undefined).length >= 5, "blocks with their output are found");
  for (const [i, block] of blocks.entries()) {
    await t.test(block.sql.trim().split("\n")[0], () => runBlock(pool, block));
    if (i > 0) continue;
    await simulateExample(pool);
    const { rows } = await pool.query("select verdict from recsys.experiment_verdict('weights')");
    assert.ok(text.includes(rows[0].verdict), rows[0].verdict);
  }
});
