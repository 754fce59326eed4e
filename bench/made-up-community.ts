/**
 * A community of any size, made up in SQL: a few posts far more popular than the rest, every tenth post private, some tags and languages
 * rare. Its vectors lie around
 * topics, as those of trained towers do; random ones cost a search of the HNSW index four times as much.
 */
import type pg from "pg";
import type { Database } from "../db/connect.ts";
import { featureSpecDigest } from "../supabase/functions/_shared/features/feature-spec.ts";
import { dimensions } from "../supabase/functions/_shared/features/history.ts";
import { contracts } from "../supabase/functions/_shared/models/contracts.ts";
import { newDlrm } from "../trainer/dlrm/model.ts";
import { randomExamples, testOptions } from "../trainer/dlrm/testing.ts";
import { Random } from "../trainer/engine/random.ts";
import { vectorAt } from "../trainer/engine/vector-at.ts";
import { dlrmGraph } from "../trainer/export/dlrm.ts";
import { GraphBuilder } from "../trainer/onnx/graph-builder.ts";
import { plusNothing } from "../trainer/serve/testing.ts";

export interface CommunitySize {
  people: number;
  posts: number;
  interactions: number;
  days: number;
}

/** The id of the person or post of a number, as SQL. */
export const person = (n: string) => `md5('person ' || ${n})::uuid`;
export const post = (n: string) => `md5('post ' || ${n})::uuid`;

/** Without the triggers; then every post is queued, as after an import. */
export async function fill(pool: pg.Pool, size: CommunitySize): Promise<void> {
  const somebody = person(`floor(random() * ${size.people})`);
  const at = `now() - random() * interval '${size.days} days'`;
  const client = await pool.connect();
  await client.query("select setseed(0.5)");
  await client.query("set session_replication_role = replica");
  await client.query(
    `insert into public.profiles (id, created_at) select ${person("n")}, now() - interval '${size.days} days' from generate_series(0, ${size.people - 1}) as n`,
  );
  await client.query(
    `insert into public.posts (id, author_id, title, tags, visibility, language, created_at)
     select ${post("n")}, ${somebody}, 'what this post is about, in a line of text, number ' || n,
       array['topic ' || n % 50, 'topic ' || n % 7] || case when n % 1000 = 1 then '{rare}' when n % 1000 = 2 then '{old}' else '{}' end::text[],
       case when n % 10 = 0 then 'private' else 'public' end, case when n % 100 = 3 then 'fr' when n % 10 <> 4 then 'en' end,
       ${at} - case when n % 1000 = 2 then interval '1 year' else interval '0' end
     from generate_series(0, ${size.posts - 1}) as n`,
  );
  const shares = { post_views: 0.8, post_votes: 0.1, comments: 0.1 };
  for (const [table, share] of Object.entries(shares))
    await client.query(
      `insert into public.${table} (user_id, post_id, created_at)
       select ${somebody}, ${post(`floor(random() ^ 3 * ${size.posts})`)}, ${at} from generate_series(1, ${share * size.interactions})`,
    );
  await client.query("set session_replication_role = default");
  await client.query(
    "insert into recsys.feature_changes (post_id) select id from public.posts; insert into recsys.feature_changes (user_id) select id from public.profiles",
  );
  await client.query("select recsys.index_tags(null)");
  await client.query("analyze");
  await client.query("select recsys.roll_up(null)");
  client.release();
}

/** Vectors [count, 32] of unit length around 200 topics, some larger than others. */
export function topicVectors(random: Random, count: number): Float32Array {
  const topics = Float32Array.from({ length: 200 * dimensions }, () => random.normal());
  const vectors = new Float32Array(count * dimensions);
  for (let row = 0; row < count; row++) {
    const topic = vectorAt(topics, Math.floor(random.uniform() * random.uniform() * 200));
    const vector = vectorAt(vectors, row);
    for (let d = 0; d < dimensions; d++) vector[d] = topic[d] + 0.6 * random.normal();
    const length = Math.hypot(...vector);
    for (let d = 0; d < dimensions; d++) vector[d] /= length;
  }
  return vectors;
}

/**
 * Activates a model with these vectors [posts, 32], in the order of the posts' ids: a user is the mean of their history, and the
 * ranker has the real one's shape and random weights. Returns its id.
 */
export async function activateModel({ pool }: Pick<Database, "pool">, vectors: Float32Array): Promise<number> {
  const random = new Random(1);
  const examples = randomExamples(random, 20, 30);
  const dlrm = newDlrm(examples, Uint32Array.from(examples.requests.keys()), testOptions, random);
  const created = await pool.query("select recsys.create_model('made up', '{}', $1, '{}')::int as id", [
    await featureSpecDigest(),
  ]);
  const { id } = created.rows[0];
  const graphs = { user_tower: meanOfHistory(), post_tower: new Uint8Array(), dlrm: dlrmGraph(dlrm) };
  for (const [graph, onnx] of Object.entries(graphs))
    await pool.query(
      "insert into recsys.model_artifacts (model_id, graph, onnx, sha256) values ($1, $2, $3, encode(sha256($3), 'hex'))",
      [id, graph, onnx],
    );
  const { rows } = await pool.query("select id from public.posts order by id");
  for (let from = 0; from < rows.length; from += 10_000)
    await pool.query(
      `insert into recsys.post_embeddings_${id} (model_id, post_id, embedding)
       select $1, post_id, vector::extensions.vector from unnest($2::uuid[], $3::text[]) as post (post_id, vector)`,
      [
        id,
        rows.slice(from, from + 10_000).map((row) => row.id),
        rows.slice(from, from + 10_000).map((_, i) => JSON.stringify([...vectorAt(vectors, from + i)])),
      ],
    );
  await pool.query("select recsys.complete_model($1)", [id]);
  await pool.query("select recsys.activate_model($1)", [id]);
  await pool.query("vacuum analyze");
  await pool.query("checkpoint");
  return id;
}

function meanOfHistory(): Uint8Array {
  const g = new GraphBuilder("user_tower");
  const { history, ...unread } = g.inputsOf(contracts.user_tower);
  const vector = g.add(
    plusNothing(g, history, unread),
    g.weights(new Float32Array(dimensions).fill(1e-3), [1, dimensions]),
  );
  g.output("embedding", g.l2Normalise(vector), contracts.user_tower.outputs.embedding.dims);
  return g.build();
}
