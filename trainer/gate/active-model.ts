/** The active model out of the database, as far as another is compared with it. */
import type pg from "pg";
import type { Database } from "../../db/connect.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { AppError } from "../../supabase/functions/_shared/http/errors.ts";
import { loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import { modelCache } from "../../supabase/functions/_shared/models/models.ts";
import type { Community } from "../community/community.ts";
import type { IdEmbeddings } from "../model-folder/id-embeddings.ts";
import type { ReplayedModel } from "./ranked-requests.ts";

/** Vectors that are read at once. */
const page = 5000;

export interface ActiveModel {
  id: number;
  name: string;
  featureSpecDigest: string;
  /** What happened before this instant it learned from, milliseconds; Infinity: not known. */
  learnedUntil: number;
}

/** Undefined: none is active. */
export async function readActiveModel({ pool }: Database): Promise<ActiveModel | undefined> {
  const { rows } = await pool.query(
    "select model_id, name, feature_spec_digest, learned_until from recsys.models where status = 'active'",
  );
  return rows.map((row) => ({
    id: row.model_id,
    name: row.name,
    featureSpecDigest: row.feature_spec_digest,
    learnedUntil: row.learned_until?.getTime() ?? Number.POSITIVE_INFINITY,
  }))[0];
}

/**
 * The active model with its published graphs and the vectors it serves with. Undefined where it cannot serve: it was
 * trained for other features, or is damaged.
 */
export async function replayedActiveModel(
  database: Database,
  model: ActiveModel,
  community: Community,
): Promise<ReplayedModel | undefined> {
  try {
    return await publishedModel(database, model, community);
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

/** A published model with its graphs and the vectors it serves with. Throws an `AppError` where it cannot serve. */
export async function publishedModel(
  { pool }: Database,
  { id, name, featureSpecDigest }: Pick<ActiveModel, "id" | "name" | "featureSpecDigest">,
  { posts, users }: Community,
): Promise<ReplayedModel> {
  const client = await pool.connect();
  try {
    const load = modelCache(loadRuntime);
    const { graphs, heads } = await load({ id: String(id), name, featureSpecDigest }, client, ["user_tower", "dlrm"]);
    const postVectors = new Float32Array(posts.ids.length * dimensions);
    const numbers = new Map(posts.ids.map((post, number) => [post, number]));
    await eachVector(client, "post_id", "embedding", "recsys.post_embeddings", id, (post, vector) => {
      const number = numbers.get(post);
      if (number !== undefined) postVectors.set(vector, number * dimensions);
    });
    const userIdEmbeddings: IdEmbeddings = new Map();
    const known = new Set(users.ids);
    await eachVector(client, "user_id", "id_embedding", "recsys.user_embeddings", id, (user, vector) => {
      if (known.has(user)) userIdEmbeddings.set(user, vector);
    });
    return { name, heads, graphs, userIdEmbeddings, postVectors };
  } finally {
    client.release();
  }
}

async function eachVector(
  client: pg.ClientBase,
  key: string,
  column: string,
  table: string,
  model: number,
  use: (id: string, vector: Float32Array) => void,
): Promise<void> {
  let last = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    const { rows } = await client.query(
      `select ${key} as id, ${column}::text as vector from ${table}
       where model_id = $1 and ${key} > $2 order by ${key} limit ${page}`,
      [model, last],
    );
    for (const { id, vector } of rows) if (vector !== null) use(id, Float32Array.from(JSON.parse(vector)));
    if (rows.length < page) return;
    last = rows[rows.length - 1].id;
  }
}
