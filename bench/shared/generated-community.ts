/**
 * A community of any size, made up in SQL: a few posts far more popular than the rest, every tenth post private, some tags and languages
 * rare. Its vectors lie around topics, as those of trained towers do; random ones cost a search of the HNSW index four times as much.
 */
import type pg from "pg";
import type { Database } from "../../db/connect.ts";
import { featureSpecDigest } from "../../supabase/functions/_shared/features/feature-spec.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { tokenRows } from "../../supabase/functions/_shared/features/tokens.ts";
import type { GraphName } from "../../supabase/functions/_shared/models/contracts.ts";
import { dlrmGraph } from "../../trainer/artifacts/onnx/dlrm.ts";
import { postTowerGraph, userTowerGraph } from "../../trainer/artifacts/onnx/towers.ts";
import { EmbeddingTable } from "../../trainer/models/nn/embedding-table.ts";
import { Random } from "../../trainer/models/nn/random.ts";
import { vectorAt } from "../../trainer/models/nn/vector-at.ts";
import { newDlrm } from "../../trainer/models/ranker/model.ts";
import { randomExamples, testOptions } from "../../trainer/models/ranker/testing.ts";
import { towerDefaults } from "../../trainer/models/towers/hyperparameters.ts";
import { newTowerWeights } from "../../trainer/models/towers/network.ts";

interface CommunitySize {
  people: number;
  posts: number;
  interactions: number;
  days: number;
  logins?: number;
  /** Person and post of a number belong to number % organisations, and people interact with posts of theirs; default: to all. */
  organisations?: number;
}

/** The id of the person or post of a number, as SQL. */
export const person = (n: string) => `md5('person ' || ${n})::uuid`;
export const post = (n: string) => `md5('post ' || ${n})::uuid`;

/** What a roll-up writes. */
export const stateTables = [
  "recsys_engine.post_stats",
  "recsys_engine.user_stats",
  "recsys_engine.latest_post_stats",
  "recsys_engine.latest_user_stats",
];

/** Writes a community without the triggers and rolls it up. */
export async function fill(pool: pg.Pool, size: CommunitySize): Promise<void> {
  const client = await pool.connect();
  await writeCommunity(client, size);
  await client.query("select recsys_engine.index_tags(null)");
  await client.query("analyze");
  await withoutLog(client, stateTables, () => client.query("select recsys.roll_up(null)"));
  // its settings go with it
  client.release(true);
}

/** People, posts, interactions and logins, without the triggers; then every post and user is queued, as after an import. */
export async function writeCommunity(client: pg.ClientBase, size: CommunitySize): Promise<void> {
  const { people, posts, interactions, days, logins = 0, organisations = 1 } = size;
  const somebody = person(`floor(random() * ${people})`);
  const at = `now() - random() * interval '${days} days'`;
  // for filling only: sorts of millions of rows with 4 MB each took a third longer
  await client.query("set work_mem = '256MB'; set maintenance_work_mem = '1GB'");
  await client.query("select setseed(0.5)");
  await client.query("set session_replication_role = replica");
  await client.query(
    `insert into public.profiles (id, created_at) select ${person("n")}, now() - interval '${days} days' from generate_series(0, ${people - 1}) as n`,
  );
  const member = person(`(floor(random() * ${people / organisations}) * ${organisations} + n % ${organisations})`);
  await fillPosts(client, posts, { author: member, at });
  const shares = { post_views: 0.8, post_votes: 0.1, comments: 0.1 };
  for (const [table, share] of Object.entries(shares))
    await fillTable(
      client,
      `public.${table}`,
      `(user_id, post_id, created_at)
       select ${person("reader")}, ${post(`(floor(popular * ${posts / organisations}) * ${organisations} + reader::integer % ${organisations})`)}, ${at}
       from (select floor(random() * ${people}) as reader, random() ^ 3 as popular from generate_series(1, ${share * interactions})) as drawn`,
    );
  await fillTable(
    client,
    "public.logins",
    `(user_id, created_at) select ${somebody}, ${at} from generate_series(1, ${logins})`,
  );
  await client.query("set session_replication_role = default");
  await client.query(
    "insert into recsys_engine.feature_changes (post_id) select id from public.posts; insert into recsys_engine.feature_changes (user_id) select id from public.profiles",
  );
}

/** Posts alone; `author` and `at` are SQL, and may be another's for each post. */
export async function fillPosts(
  client: pg.ClientBase,
  posts: number,
  { author, at }: { author: string; at: string },
): Promise<void> {
  await client.query(
    `insert into public.posts (id, author_id, title, tags, visibility, language, created_at)
     select ${post("n")}, ${author}, 'what this post is about, in a line of text, number ' || n,
       array['topic ' || n % 50, 'topic ' || n % 7] || case when n % 1000 = 1 then '{rare}' when n % 1000 = 2 then '{old}' else '{}' end::text[],
       case when n % 10 = 0 then 'private' else 'public' end, case when n % 100 = 3 then 'fr' when n % 10 <> 4 then 'en' end,
       ${at} - case when n % 1000 = 2 then interval '1 year' else interval '0' end
     from generate_series(0, ${posts - 1}) as n`,
  );
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
 * The graphs of an untrained model, as large as trained ones. No user has a text, so a user is the mean of their
 * history. The ranker's weights are random.
 */
export function untrainedGraphs(random: Random): Record<GraphName, Uint8Array> {
  const examples = randomExamples(random, 20, 30);
  const dlrm = newDlrm(examples, Uint32Array.from(examples.requests.keys()), testOptions, random);
  const words = Float32Array.from({ length: tokenRows * dimensions }, () => 0.1 * random.normal());
  const none = new EmbeddingTable(1, dimensions);
  const towers = {
    tokens: new EmbeddingTable(tokenRows, dimensions, words),
    userIdEmbeddings: none,
    postIdEmbeddings: none,
    dense: newTowerWeights(towerDefaults, random),
  };
  return { user_tower: userTowerGraph(towers), post_tower: postTowerGraph(towers), dlrm: dlrmGraph(dlrm) };
}

/** Activates a model with these vectors [posts, 32], in the order of the posts' ids, and untrained graphs. Returns its id. */
export async function activateModel(
  { pool }: Pick<Database, "pool">,
  vectors: Float32Array,
  name = "made up",
): Promise<number> {
  const created = await pool.query("select recsys_engine.create_model($2, '{}', $1, '{}')::int as id", [
    await featureSpecDigest(),
    name,
  ]);
  const { id } = created.rows[0];
  for (const [graph, onnx] of Object.entries(untrainedGraphs(new Random(1))))
    await pool.query(
      "insert into recsys_engine.model_artifacts (model_id, graph, onnx, sha256) values ($1, $2, $3, encode(sha256($3), 'hex'))",
      [id, graph, onnx],
    );
  const { rows } = await pool.query("select id from public.posts order by id");
  for (let from = 0; from < rows.length; from += 10_000)
    await pool.query(
      `insert into recsys_engine.post_embeddings_${id} (model_id, post_id, embedding)
       select $1, post_id, vector::extensions.vector from unnest($2::uuid[], $3::text[]) as post (post_id, vector)`,
      [
        id,
        rows.slice(from, from + 10_000).map((row) => row.id),
        rows.slice(from, from + 10_000).map((_, i) => JSON.stringify([...vectorAt(vectors, from + i)])),
      ],
    );
  await pool.query("select recsys_engine.complete_model($1)", [id]);
  await pool.query("select recsys.activate_model($1)", [id]);
  await pool.query("vacuum analyze");
  await pool.query("checkpoint");
  return id;
}

// Filling tables of millions of rows: with their indexes and with a write-ahead log, 10 million interactions took hours.

/** `rows`: what follows `insert into` and the table's name. Its indexes are made when the rows are there. */
async function fillTable(client: pg.ClientBase, table: string, rows: string): Promise<void> {
  const indexes = await client.query<{ drop: string; create: string }>(
    `select
       case when constraints.oid is null then format('drop index %s', indexrelid::regclass)
         else format('alter table %s drop constraint %I', indrelid::regclass, conname) end as drop,
       case when constraints.oid is null then pg_get_indexdef(indexrelid)
         else format('alter table %s add constraint %I %s', indrelid::regclass, conname, pg_get_constraintdef(constraints.oid)) end as create
     from pg_index left join pg_constraint as constraints on constraints.conindid = indexrelid
     where indrelid = $1::regclass`,
    [table],
  );
  for (const { drop } of indexes.rows) await client.query(drop);
  await withoutLog(client, [table], () => client.query(`insert into ${table} ${rows}`));
  for (const { create } of indexes.rows) await client.query(create);
}

/** Fills tables by some work, without a write-ahead log until it is done. */
export async function withoutLog<Result>(
  client: pg.ClientBase,
  tables: string[],
  work: () => Promise<Result>,
): Promise<Result> {
  for (const table of tables) await client.query(`alter table ${table} set unlogged`);
  const result = await work();
  for (const table of tables) await client.query(`alter table ${table} set logged`);
  return result;
}
