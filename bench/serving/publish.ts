/** How fast a model's vectors of many posts are published, with their index, compared with COPY and CREATE INDEX of the same vectors. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Database } from "../../db/connect.ts";
import { readCommunityId } from "../../db/settings.ts";
import { openPostgresCopy } from "../../db/testing-postgres.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { handMadeModel } from "../../testing/gate.ts";
import type { ModelFolder } from "../../trainer/artifacts/model-folder/model-folder.ts";
import { Random } from "../../trainer/models/nn/random.ts";
import { vectorAt } from "../../trainer/models/nn/vector-at.ts";
import { publish } from "../../trainer/release/publish/publish.ts";
import { fillPosts, topicVectors, untrainedGraphs } from "../shared/generated-community.ts";
import { timed } from "../shared/times.ts";
import type { Finding } from "./figure.ts";

export async function measurePublish(server: string, posts: number, folder: string): Promise<Finding> {
  const database = await openPostgresCopy(server, "publish");
  try {
    await fill(database, posts);
    const model = await madeUpModel(database, posts);
    const steps: Record<string, number> = {};
    const [, ours] = await timed(() => publishAll(database, model, steps));
    const raw = await copyAndIndex(database, join(folder, "vectors"));
    return {
      figures: [
        {
          what: `vectors published a second, of ${posts.toLocaleString("en")}`,
          value: posts / ours,
          unit: "1/s",
          floor: { what: "COPY and CREATE INDEX", value: posts / (raw.copy + raw.index) },
          bar: { of: "ratio", must: "be at least", limit: 0.5 },
        },
      ],
      details: {
        "seconds in all": ours,
        ...Object.fromEntries(Object.entries(steps).map(([step, taken]) => [`seconds ${step}`, taken])),
        "seconds of COPY": raw.copy,
        "seconds of CREATE INDEX": raw.index,
      },
    };
  } finally {
    await database.close();
  }
}

async function fill({ pool }: Database, posts: number): Promise<void> {
  const client = await pool.connect();
  await client.query("set session_replication_role = replica");
  await fillPosts(client, posts, { author: "null", at: "now() - n * interval '1 second'" });
  client.release(true);
  await pool.query("vacuum analyze public.posts");
  await pool.query("checkpoint");
}

/** Untrained, with a vector that each post learned: long compared with what the text gives, so that those of all posts lie around topics. */
async function madeUpModel(database: Database, posts: number): Promise<ModelFolder> {
  const { rows } = await database.pool.query("select id from public.posts order by id");
  const vectors = topicVectors(new Random(1), posts).map((value) => 5 * value);
  return await handMadeModel({
    name: "made up",
    community: await readCommunityId(database),
    graphs: untrainedGraphs(new Random(1)),
    postIdEmbeddings: new Map(rows.map(({ id }, post) => [id, vectorAt(vectors, post)])),
  });
}

/** A whole publish: posts read, their texts through the post tower, vectors written, the gate, index, switch. */
async function publishAll(database: Database, model: ModelFolder, steps: Record<string, number>): Promise<void> {
  let before = performance.now();
  await publish(database, model, {
    activate: true,
    onProgress({ step }) {
      const now = performance.now();
      steps[step] = (steps[step] ?? 0) + (now - before) / 1000;
      before = now;
    },
  });
}

/** The same vectors as a file, into a table with a primary key, then indexed with all the memory that helps. */
async function copyAndIndex({ pool, url }: Database, file: string): Promise<{ copy: number; index: number }> {
  const psql = (command: string) =>
    promisify(execFile)("psql", ["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", url, "--command", command]);
  await psql(`\\copy (select post_id, embedding from recsys.post_embeddings) to '${file}'`);
  await pool.query(
    `create table public.raw (post_id uuid primary key, embedding extensions.vector(${dimensions}) not null)`,
  );
  await pool.query("checkpoint");
  const [, copy] = await timed(() => psql(`\\copy public.raw from '${file}'`));
  const client = await pool.connect();
  // as recsys_engine.complete_model: pgvector before 0.8.2 can overflow in a parallel build
  await client.query("set maintenance_work_mem = '1GB'; set max_parallel_maintenance_workers = 0");
  const [, index] = await timed(() =>
    client.query("create index on public.raw using hnsw (embedding extensions.vector_ip_ops)"),
  );
  client.release(true);
  return { copy, index };
}
