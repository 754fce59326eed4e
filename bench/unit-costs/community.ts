/** Makes a community of so many posts in SQL with its vectors, in steps; skips steps that are done. */
import type pg from "pg";
import type { Database } from "../../db/connect.ts";
import { featureSpecDigest } from "../../supabase/functions/_shared/features/feature-spec.ts";
import { Random } from "../../trainer/models/nn/random.ts";
import { fill, untrainedGraphs } from "../shared/generated-community.ts";

export interface CostedCommunity {
  posts: number;
  /** Posts in the index. */
  indexed: number;
  interactions: number;
  modelId: number;
  /** Some of them, in no order. */
  users: string[];
}

/** Of more posts than these the index has the most visited ones, as with settings.index_window_days: so many fit into the 1 GB with which complete_model builds it. */
const mostIndexed = 1_200_000;

/** 60 interactions a person whatever the size: 6 a post up to a million of them, and beyond that a person for every 60. */
const mostInteractions = 3_000_000;

export async function makeUpIn(
  { pool }: Database,
  posts: number,
  said: (what: string) => void,
): Promise<CostedCommunity> {
  const interactions = Math.min(6 * posts, mostInteractions);
  const count = async (sql: string) => Number((await pool.query(`select count(*) from ${sql}`)).rows[0].count);
  if ((await count("(select from recsys_engine.latest_post_stats limit 1) as one")) === 0) {
    await fill(pool, { people: Math.ceil(interactions / 60), posts, interactions, days: 90 });
    await pool.query("update recsys.settings set requests_per_minute = null, impressions_per_day = null");
    said("written and rolled up");
  }
  let modelId = Number((await pool.query("select max(model_id) as id from recsys.models")).rows[0].id ?? 0);
  if ((await count("recsys.models where status = 'active'")) === 0) {
    modelId = await publishMadeUp(pool, modelId || undefined, posts, said);
    said("vectors and their index");
  }
  await pool.query("vacuum analyze");
  await pool.query("checkpoint");
  const { rows } = await pool.query("select id from public.profiles order by md5(id::text) limit 500");
  return { posts, indexed: Math.min(posts, mostIndexed), interactions, modelId, users: rows.map((row) => row.id) };
}

/** Activates a model with untrained graphs and a vector of each post, around 200 topics; `begun`: the vectors and their index are there. */
async function publishMadeUp(
  pool: pg.Pool,
  begun: number | undefined,
  posts: number,
  said: (what: string) => void,
): Promise<number> {
  const client = await pool.connect();
  const digest = await featureSpecDigest();
  const id =
    begun ??
    (await client.query("select recsys_engine.create_model('made up', '{}', $1, '{}')::int as id", [digest])).rows[0]
      .id;
  const vectors = `recsys_engine.post_embeddings_${id}`;
  for (const [graph, onnx] of Object.entries(untrainedGraphs(new Random(1))))
    await client.query(
      `insert into recsys_engine.model_artifacts (model_id, graph, onnx, sha256) values ($1, $2, $3, encode(sha256($3), 'hex')) on conflict do nothing`,
      [id, graph, onnx],
    );
  if ((await client.query(`select from ${vectors} limit 1`)).rowCount === 0) {
    await client.query("set work_mem = '256MB'");
    const random = (name: string, size: number, deviation: number) =>
      client.query(
        `create temporary table ${name} as select i, (
           select array_agg(random_normal(0, ${deviation}) + 0 * d) from generate_series(1, 32) as d where d + i > 0
         )::extensions.vector(32) as vector from generate_series(0, ${size - 1}) as i`,
      );
    await random("topics", 200, 1);
    // the sum of two is what topicVectors (generated-community.ts) adds to a topic
    await random("noise", 8192, 0.6 / Math.SQRT2);
    await client.query(
      `insert into ${vectors} (model_id, post_id, embedding, is_unindexed)
       select ${id}, md5('post ' || drawn.n)::uuid, extensions.l2_normalize(topics.vector operator(extensions.+) one.vector operator(extensions.+) other.vector),
         case when drawn.n >= ${mostIndexed} then true end
       from (
         select n, floor(random() * random() * 200)::integer as topic, floor(random() * 8192)::integer as one, floor(random() * 8192)::integer as other
         from generate_series(0, ${posts - 1}) as n offset 0
       ) as drawn
       join topics on topics.i = drawn.topic join noise as one on one.i = drawn.one join noise as other on other.i = drawn.other`,
    );
    said("vectors written");
  }
  // as recsys_engine.complete_model does, but with what the graph takes of 1.2 million posts
  await client.query(`set maintenance_work_mem = '${Math.max(64, Math.ceil(Math.min(posts, mostIndexed) / 1000))}MB'`);
  await client.query("set max_parallel_maintenance_workers = 0");
  await client.query(
    `create index if not exists post_embeddings_${id}_embedding_idx on ${vectors} using hnsw (embedding extensions.vector_ip_ops) where is_unindexed is null`,
  );
  const of = (table: string, id: number) => `recsys_engine.${table}_${id}`;
  await client.query(`alter table recsys.post_embeddings attach partition ${vectors} for values in (${id})`);
  await client.query(
    `alter table recsys.user_embeddings attach partition ${of("user_embeddings", id)} for values in (${id})`,
  );
  await client.query(`drop table ${of("post_neighbours", id)}`);
  await client.query("update recsys.models set status = 'ready', feature_spec_digest = $2 where model_id = $1", [
    id,
    digest,
  ]);
  await client.query("select recsys.activate_model($1)", [id]);
  client.release(true);
  return id;
}
