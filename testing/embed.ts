/** For tests: a community that a model of text towers was published over, and what re-embedding makes of it. */
import assert from "node:assert/strict";
import type pg from "pg";
import type { Database } from "../db/connect.ts";
import { readCommunityId } from "../db/settings.ts";
import { openPool } from "../supabase/functions/_shared/database/pool.ts";
import { type Embedded, embedBatch } from "../supabase/functions/_shared/embed/embed-batch.ts";
import { loadRuntime } from "../supabase/functions/_shared/models/inference.ts";
import { modelCache } from "../supabase/functions/_shared/models/models.ts";
import { publish } from "../trainer/release/publish/publish.ts";
import { fillCommunity, tinyGraphs } from "./community.ts";
import { handMadeModel } from "./gate.ts";
import { assertClose } from "./onnx/assert-close.ts";
import { fewRows, wordTowers } from "./towers.ts";

/** Publishes and activates text towers over all there is; models of the same seed give the same vectors. Returns the model's id. */
export async function publishWordModel(
  database: Database,
  name: string,
  { seed = 1, activate = true, ids = new Map<string, Float32Array>(), ofHistory = 0.1, rows = fewRows } = {},
): Promise<number> {
  const folder = await handMadeModel({
    name,
    community: await readCommunityId(database),
    seed,
    graphs: { ...tinyGraphs(), ...wordTowers(seed, ofHistory, 0, rows) },
    postIdEmbeddings: ids,
  });
  return await publish(database, folder, { activate });
}

/** A community with an active model and an empty queue. */
export async function embeddedCommunity(database: Database): Promise<number> {
  await fillCommunity(database.pool);
  return await publishWordModel(database, "first");
}

/** Works the queue until nothing is due. */
export async function embedAll({ url }: Database): Promise<Embedded> {
  const total = { completed: 0, failed: 0 };
  const pool = openPool(url, () => undefined);
  const services = { pool, models: modelCache(loadRuntime) };
  try {
    for (let batch = await embedBatch(services); batch; batch = await embedBatch(services)) {
      total.completed += batch.completed;
      total.failed += batch.failed;
    }
  } finally {
    await pool.end();
  }
  return total;
}

/** What waits, as `kind entity_id`. */
export async function queue(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query(
    "select kind, entity_id from recsys_engine.embedding_jobs order by kind, entity_id",
  );
  return rows.map(({ kind, entity_id }) => `${kind} ${entity_id}`);
}

/** A vector of a model; undefined: none. */
export async function vectorOf(
  pool: pg.Pool,
  kind: "post" | "user",
  id: string,
  model: number,
): Promise<number[] | undefined> {
  const { rows } = await pool.query(
    `select embedding::text from recsys.${kind}_embeddings where model_id = $1 and ${kind}_id = $2`,
    [model, id],
  );
  return rows[0] && JSON.parse(rows[0].embedding);
}

/** Asserts that there are two vectors and that they agree within `tolerance`: a batch of another size may add in another order. */
export function assertNear(
  vector: number[] | undefined,
  expected: number[] | undefined,
  what: string,
  tolerance = 1e-5,
): void {
  assert.ok(vector && expected, `${what}: there is one`);
  assertClose(vector, expected, tolerance, what);
}
