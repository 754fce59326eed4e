/** Embeds every post and every user with a model's own graphs, and writes the vectors page by page. */

import type pg from "pg";
import pgvector from "pgvector";
import type { OnProgress } from "../../db/progress.ts";
import { listOf, textOf } from "../../supabase/functions/_shared/database/nulls.ts";
import type { PostText } from "../../supabase/functions/_shared/features/tokens.ts";
import { postTowerInputs, userTowerInputs } from "../../supabase/functions/_shared/features/tower-inputs.ts";
import type { InferenceSession } from "../../supabase/functions/_shared/models/inference.ts";
import { embeddingsOf } from "../../supabase/functions/_shared/towers/tower-vectors.ts";
import type { IdEmbeddings } from "../model-folder/id-embeddings.ts";

const page = 1000;

export interface EmbeddingRun {
  client: pg.ClientBase;
  modelId: number;
  onProgress: OnProgress;
}

/** Writes recsys.post_embeddings_N; returns the vectors by post id, for the users' histories. */
export async function writePostEmbeddings(
  run: EmbeddingRun,
  tower: InferenceSession,
  idEmbeddings: IdEmbeddings,
): Promise<Map<string, Float32Array>> {
  const vectors = new Map<string, Float32Array>();
  const query = `select post_id as id, author_id, ${textOf("title")} as title, ${textOf("description")} as description, ${listOf("tags")} as tags from recsys.source_posts
    where post_id > $1 order by post_id limit ${page}`;
  await inPages(run, "embedding posts", "recsys.source_posts", query, async (rows) => {
    const inputs = rows.map((row) => ({ ...(row as PostRow), id_embedding: idEmbeddings.get(row.id) ?? null }));
    const embeddings = await embeddingsOf(tower, postTowerInputs(inputs));
    for (const [i, row] of rows.entries()) vectors.set(row.id, embeddings[i]);
    await insert(run, "post", rows, embeddings, idEmbeddings);
  });
  return vectors;
}

/** Writes recsys.user_embeddings_N, each user with the history they have now. */
export async function writeUserEmbeddings(
  run: EmbeddingRun,
  tower: InferenceSession,
  idEmbeddings: IdEmbeddings,
  postVectors: Map<string, Float32Array>,
): Promise<void> {
  const query = `select user_id as id, ${listOf("passions")} as passions, ${listOf("projects")} as projects, ${textOf("bio")} as bio,
      array(select history.post_id from recsys.user_history(users.user_id, recsys.clock()) as history order by history.at desc, history.sort_id desc) as history
    from (select * from recsys.source_users where user_id > $1 order by user_id limit ${page}) as users order by user_id`;
  await inPages(run, "embedding users", "recsys.source_users", query, async (rows) => {
    const inputs = (rows as UserRow[]).map((row) => ({
      ...row,
      id_embedding: idEmbeddings.get(row.id) ?? null,
      history: row.history.flatMap((post) => postVectors.get(post) ?? []),
    }));
    await insert(run, "user", rows, await embeddingsOf(tower, userTowerInputs(inputs)), idEmbeddings);
  });
}

interface Row {
  id: string;
}
type PostRow = Row & PostText;
interface UserRow extends Row {
  passions: string[];
  projects: string[];
  bio: string;
  history: string[];
}

async function inPages(
  run: EmbeddingRun,
  step: string,
  table: string,
  query: string,
  write: (rows: Row[]) => Promise<void>,
): Promise<void> {
  const counted = await run.client.query(`select count(*)::integer as total from ${table}`);
  const { total } = counted.rows[0];
  let last = "00000000-0000-0000-0000-000000000000";
  for (let done = 0; ; ) {
    const { rows } = await run.client.query(query, [last]);
    if (rows.length > 0) await write(rows);
    done += rows.length;
    run.onProgress({ step, done, total: Math.max(done, total) });
    if (rows.length < page) return;
    last = rows[rows.length - 1].id;
  }
}

async function insert(
  { client, modelId }: EmbeddingRun,
  kind: "user" | "post",
  rows: Row[],
  embeddings: Float32Array[],
  idEmbeddings: IdEmbeddings,
): Promise<void> {
  const text = (vector: Float32Array | undefined) => (vector ? pgvector.toSql([...vector]) : null);
  await client.query(
    `insert into recsys.${kind}_embeddings_${modelId} (model_id, ${kind}_id, embedding, id_embedding)
     select $1, row.id, row.embedding::extensions.vector, row.id_embedding::extensions.vector
     from unnest($2::uuid[], $3::text[], $4::text[]) as row (id, embedding, id_embedding)`,
    [modelId, rows.map(({ id }) => id), embeddings.map(text), rows.map(({ id }) => text(idEmbeddings.get(id)))],
  );
}
