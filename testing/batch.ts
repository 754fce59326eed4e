/** For tests: a synthetic community with a model whose ranker reads everything and was never trained, at an instant that stands still. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../db/connect.ts";
import { importBundle } from "../db/import/import-bundle.ts";
import { readCommunityId } from "../db/settings.ts";
import type { VectorSpec } from "../supabase/functions/_shared/features/feature-spec.ts";
import { tokenRows } from "../supabase/functions/_shared/features/tokens.ts";
import { dlrmGraph } from "../trainer/artifacts/onnx/dlrm.ts";
import { randomNeighbours } from "../trainer/data/replay/testing.ts";
import type { SyntheticSize } from "../trainer/data/synthetic/world.ts";
import { writeSyntheticCommunity } from "../trainer/data/synthetic/write-synthetic-community.ts";
import { Random } from "../trainer/models/nn/random.ts";
import { newDlrm } from "../trainer/models/ranker/model.ts";
import { randomExamples, testOptions } from "../trainer/models/ranker/testing.ts";
import { publish } from "../trainer/release/publish/publish.ts";
import { tinyGraphs } from "./community.ts";
import { handMadeModel } from "./gate.ts";
import { wordTowers } from "./towers.ts";

/** Fills a migrated database and stops recsys.clock(), so that lists made one after another are of one instant. */
export async function standingCommunity(database: Database, size: SyntheticSize): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  await writeSyntheticCommunity(folder, { seed: 3, ...size });
  await importBundle(database, folder);
  await rm(folder, { recursive: true });
  // An hour after all that was imported, wherever the clock is by now: what comes between two feeds is another test's matter, and on a busy machine
  // each run would have another instant, with other posts at the edge of each source.
  const { rows } = await database.pool.query(
    "select (max(at) + interval '1 hour')::text as now from recsys_engine.timeline",
  );
  await database.pool.query("select recsys.roll_up(null)");
  await setClock(database, rows[0].now);
}

/** Makes an instant the present, until it is called again. */
export async function setClock({ pool }: Pick<Database, "pool">, now: string): Promise<void> {
  await pool.query(
    `create or replace function recsys.clock() returns timestamptz language sql stable set search_path = '' as $$ select '${now}'::timestamptz $$`,
  );
}

/** Of a model that held no requests back and learned from none: the gate has none to compare it on. */
const neverCompared = {
  learned_until: "1970-01-01T00:00:00.000Z",
  heldBack: {
    from: Date.parse("9999-01-01"),
    graphs: tinyGraphs(),
    userIdEmbeddings: new Map<string, Float32Array>(),
    postIdEmbeddings: new Map<string, Float32Array>(),
    neighbours: new Map<string, never>(),
  },
};

/** Publishes towers that read words and a ranker with random weights, whose scores hang on every feature; returns the model's id. */
export async function publishRandomModel(
  database: Database,
  name: string,
  seed = 1,
  {
    towers = wordTowers(1, 0.1, 0, tokenRows),
    vectors,
  }: { towers?: ReturnType<typeof wordTowers>; vectors?: VectorSpec } = {},
): Promise<number> {
  const random = new Random(seed);
  const examples = randomExamples(random, 20, 30);
  const dlrm = newDlrm(examples, Uint32Array.from(examples.requests.keys()), testOptions, random);
  const last = dlrm.dense.values("top/3/weight");
  for (let i = 0; i < last.length; i++) last[i] = random.normal();
  // a ranker that was never trained is worse than anything, where a caller publishes another model
  await database.pool.query("update recsys.settings set gate_margin = 1000");
  const { rows } = await database.pool.query("select post_id as id from recsys.source_posts order by id");
  const posts = rows.map(({ id }) => id);
  const id = await publish(
    database,
    await handMadeModel({
      name,
      community: await readCommunityId(database),
      graphs: { ...towers, dlrm: dlrmGraph(dlrm) },
      ...(vectors && { vectors }),
      neighbours: randomNeighbours(random, posts),
      ...neverCompared,
    }),
    { activate: true },
  );
  // exact instead of the HNSW index, whose recall is another test's matter
  await database.pool.query(`drop index recsys_engine.post_embeddings_${id}_embedding_idx`);
  return id;
}
