/** The active model out of the database, as far as another is compared with it. */
import type pg from "pg";
import type { Database } from "../../../db/connect.ts";
import { type Query, run } from "../../../supabase/functions/_shared/database/database.ts";
import { db } from "../../../supabase/functions/_shared/database/query.ts";
import { basisOfModel, readsUsers } from "../../../supabase/functions/_shared/embed/read-jobs.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { AppError } from "../../../supabase/functions/_shared/http/errors.ts";
import { loadRuntime } from "../../../supabase/functions/_shared/models/inference.ts";
import { modelCache } from "../../../supabase/functions/_shared/models/models.ts";
import type { IdEmbeddings } from "../../artifacts/model-folder/id-embeddings.ts";
import { readVectors } from "../../data/app-embeddings/read-vectors.ts";
import type { Community } from "../../data/replay/community.ts";
import { readNeighbours } from "../../models/neighbours/stored-neighbours.ts";
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
  const active = db
    .selectFrom("recsys.models")
    .select(["model_id as id", "name", "feature_spec_digest as featureSpecDigest", "learned_until"])
    .where("status", "=", "active");
  const [model] = await run(pool, active);
  return model && { ...model, learnedUntil: model.learned_until?.getTime() ?? Number.POSITIVE_INFINITY };
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
  database: Database,
  { id, name, featureSpecDigest }: Pick<ActiveModel, "id" | "name" | "featureSpecDigest">,
  community: Community,
): Promise<ReplayedModel> {
  const { posts, users } = community;
  const client = await database.pool.connect();
  try {
    const load = modelCache(loadRuntime);
    const { graphs, heads } = await load({ id, name, featureSpecDigest }, client, ["user_tower", "dlrm"]);
    const postVectors = new Float32Array(posts.ids.length * dimensions);
    const numbers = new Map(posts.ids.map((post, number) => [post, number]));
    const postsAfter = (last: string) =>
      db
        .selectFrom("recsys.post_embeddings")
        .select(["post_id as id", "embedding as vector"])
        .where("model_id", "=", id)
        .where("post_id", ">", last)
        .orderBy("post_id")
        .limit(page);
    await eachVector(client, postsAfter, (post, vector) => {
      const number = numbers.get(post);
      if (number !== undefined) postVectors.set(vector, number * dimensions);
    });
    const userIdEmbeddings: IdEmbeddings = new Map();
    const known = new Set(users.ids);
    const usersAfter = (last: string) =>
      db
        .selectFrom("recsys.user_embeddings")
        .select(["user_id as id", "id_embedding as vector"])
        .where("model_id", "=", id)
        .where("user_id", ">", last)
        .orderBy("user_id")
        .limit(page);
    await eachVector(client, usersAfter, (user, vector) => {
      if (known.has(user)) userIdEmbeddings.set(user, vector);
    });
    const neighbours = await readNeighbours(client, id, community);
    const [reads] = await run(
      client,
      db
        .selectFrom("recsys.models")
        .select([basisOfModel.as("basis"), readsUsers.as("users")])
        .where("model_id", "=", id),
    );
    const userVectors =
      reads?.basis && reads.users ? await readVectors(database, "user", reads.basis, users.ids) : undefined;
    return { name, heads, graphs, userIdEmbeddings, userVectors, postVectors, neighbours };
  } finally {
    client.release();
  }
}

async function eachVector(
  client: pg.ClientBase,
  pageAfter: (last: string) => Query<{ id: string; vector: string | null }>,
  use: (id: string, vector: Float32Array) => void,
): Promise<void> {
  let last = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    const rows = await run(client, pageAfter(last));
    for (const { id, vector } of rows) if (vector !== null) use(id, Float32Array.from(JSON.parse(vector)));
    if (rows.length < page) return;
    last = rows[rows.length - 1].id;
  }
}
