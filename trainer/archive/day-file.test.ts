/** A day's file holds what the table holds, to the last bit; DuckDB reads it, too, and knows nothing of who wrote it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { eitherDatabase } from "../../db/testing.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { temporaryFolder } from "../testing.ts";
import { summariseDayFile, writeDayFile } from "./day-file.ts";
import { checksumOfTable, impressionColumns } from "./impression-row.ts";
import { odd } from "./testing.ts";

const { pool } = await eitherDatabase({ after }, "day_file");
const work = { onProgress: () => {}, signal: new AbortController().signal };

test("the columns are those of the table, in any order", async () => {
  const { rows } = await pool.query(
    `select attname as name, format_type(atttypid, atttypmod)::text as type from pg_attribute
     where attrelid = 'recsys.impressions'::regclass and attnum > 0 and not attisdropped`,
  );
  const found = rows.map(({ name, type }) => [name, type.replace("timestamp with time zone", "timestamptz")]);
  assert.deepEqual(Object.fromEntries(found), impressionColumns);
});

test("what is read back has the table's checksum, whatever its values; a bit makes it another", async () => {
  await odd(pool, 500);
  const client = await pool.connect();
  const path = join(await temporaryFolder({ after }), "day=2026-01-01", "impressions-1.parquet");
  try {
    await client.query("begin");
    const facts = await writeDayFile(client, "recsys.impressions", path, work);
    const [{ checksum }] = await run(
      client,
      db.selectFrom("recsys.impressions").select(checksumOfTable.as("checksum")),
    );
    const summary = await summariseDayFile(path, work);
    assert.equal(facts.rows, 500);
    assert.equal(summary.checksum, checksum);
    for (const change of [
      "score = score + 1e-7",
      "seen_at = seen_at + interval '1 microsecond'",
      "features[1] = -0.0",
    ]) {
      await client.query(
        `savepoint before; update recsys.impressions set ${change} where post_id = (select post_id from recsys.impressions where score = 0.5 and seen_at between '2026-01-01' and '2026-01-02' and cardinality(features) > 1 limit 1)`,
      );
      const [other] = await run(client, db.selectFrom("recsys.impressions").select(checksumOfTable.as("checksum")));
      assert.notEqual(other.checksum, checksum, change);
      await client.query("rollback to before");
    }
  } finally {
    await client.query("rollback");
    client.release();
  }
  const duck = await (await DuckDBInstance.create()).connect();
  const { rows } = await pool.query(
    `select request_id, position, to_char(shown_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as shown_at, cardinality(features) as features, optional_probabilities::text
     from recsys.impressions order by request_id, post_id`,
  );
  const read = await duck.runAndReadAll(
    `select request_id::text as request_id, "position", strftime(shown_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S.%f') as shown_at, len(features)::integer as features, optional_probabilities
     from '${path}' order by request_id, post_id`,
  );
  assert.deepEqual(read.getRowObjectsJson(), rows);
});
