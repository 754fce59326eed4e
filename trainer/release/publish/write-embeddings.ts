/** Embeds every post and every user with a model's own graphs, and writes the vectors page by page. */

import { sql } from "kysely";
import type pg from "pg";
import pgvector from "pgvector";
import type { OnProgress } from "../../../db/progress.ts";
import { call, type Query, run } from "../../../supabase/functions/_shared/database/database.ts";
import { countOf, db, fn, insertRows, listOf, textOf } from "../../../supabase/functions/_shared/database/query.ts";
import { parseVector } from "../../../supabase/functions/_shared/database/vectors.ts";
import type { VectorSpec } from "../../../supabase/functions/_shared/features/feature-spec.ts";
import { postTowerInputs, userTowerInputs } from "../../../supabase/functions/_shared/features/tower-inputs.ts";
import type { InferenceSession } from "../../../supabase/functions/_shared/models/inference.ts";
import { embeddingsOf } from "../../../supabase/functions/_shared/towers/tower-vectors.ts";
import type { IdEmbeddings } from "../../artifacts/model-folder/id-embeddings.ts";

const page = 1000;

export interface EmbeddingRun {
  client: pg.ClientBase;
  modelId: number;
  /** Which vectors of the app's own its towers read; undefined: none. */
  vectors: VectorSpec | undefined;
  onProgress: OnProgress;
}

/** Writes recsys_engine.post_embeddings_N; returns the vectors by post id, for the users' histories. */
export async function writePostEmbeddings(
  embedding: EmbeddingRun,
  tower: InferenceSession,
  idEmbeddings: IdEmbeddings,
): Promise<Map<string, Float32Array>> {
  const vectors = new Map<string, Float32Array>();
  const pageAfter = (last: string) =>
    db
      .selectFrom("recsys.source_posts as posts")
      .leftJoin("recsys_engine.reduced_vectors as own", (join) =>
        join.onRef("own.post_id", "=", "posts.post_id").on("own.basis_id", "=", embedding.vectors?.basis ?? ""),
      )
      .select((post) => [
        "posts.post_id as id",
        "author_id",
        textOf(post.ref("title")).as("title"),
        textOf(post.ref("description")).as("description"),
        listOf(post.ref("tags")).as("tags"),
        "components",
      ])
      .where("posts.post_id", ">", last)
      .orderBy("posts.post_id")
      .limit(page);
  await inPages(embedding, "embedding posts", "recsys.source_posts", pageAfter, async (rows) => {
    const inputs = rows.map((row) => ({
      ...row,
      vector: row.components === null ? null : parseVector(row.components),
      id_embedding: idEmbeddings.get(row.id) ?? null,
    }));
    const embeddings = await embeddingsOf(tower, postTowerInputs(inputs, tower));
    for (const [i, row] of rows.entries()) vectors.set(row.id, embeddings[i]);
    await insert(embedding, "post", rows, embeddings, idEmbeddings);
  });
  return vectors;
}

/** Writes recsys_engine.user_embeddings_N, each user with the history they have now. */
export async function writeUserEmbeddings(
  embedding: EmbeddingRun,
  tower: InferenceSession,
  idEmbeddings: IdEmbeddings,
  postVectors: Map<string, Float32Array>,
): Promise<void> {
  const pageAfter = (last: string) =>
    db
      .selectFrom(
        db
          .selectFrom("recsys.source_users")
          .selectAll()
          .where("user_id", ">", last)
          .where("user_id", "not in", db.selectFrom("recsys_engine.personalization_opt_outs").select("user_id"))
          .orderBy("user_id")
          .limit(page)
          .as("users"),
      )
      .leftJoin("recsys_engine.reduced_user_vectors as own", (join) =>
        join
          .onRef("own.user_id", "=", "users.user_id")
          .on("own.basis_id", "=", (embedding.vectors?.users && embedding.vectors.basis) ?? ""),
      )
      .select((user) => [
        "users.user_id as id",
        "components",
        listOf(user.ref("passions")).as("passions"),
        listOf(user.ref("projects")).as("projects"),
        textOf(user.ref("bio")).as("bio"),
        sql<string[]>`array(${user
          .selectFrom(
            fn("recsys_engine.user_history", {
              p_user_id: user.ref("users.user_id"),
              p_now: fn("recsys.clock", {}),
            }).as("history"),
          )
          .select("history.post_id")
          .orderBy("history.at", "desc")
          .orderBy("history.sort_id", "desc")})`.as("history"),
      ])
      .orderBy("users.user_id");
  await inPages(embedding, "embedding users", "recsys.source_users", pageAfter, async (rows) => {
    const inputs = rows.map((row) => ({
      ...row,
      vector: row.components === null ? null : parseVector(row.components),
      id_embedding: idEmbeddings.get(row.id) ?? null,
      history: row.history.flatMap((post) => postVectors.get(post) ?? []),
    }));
    const embeddings = await embeddingsOf(tower, userTowerInputs(inputs, tower));
    await insert(embedding, "user", rows, embeddings, idEmbeddings);
  });
}

interface Row {
  id: string;
}

async function inPages<Found extends Row>(
  { client, onProgress }: EmbeddingRun,
  step: string,
  table: "recsys.source_posts" | "recsys.source_users",
  pageAfter: (last: string) => Query<Found>,
  write: (rows: Found[]) => Promise<void>,
): Promise<void> {
  const [{ total }] = await run(client, db.selectFrom(table).select(countOf().as("total")));
  let last = "00000000-0000-0000-0000-000000000000";
  for (let done = 0; ; ) {
    const rows = await run(client, pageAfter(last));
    if (rows.length > 0) await write(rows);
    done += rows.length;
    onProgress({ step, done, total: Math.max(done, total) });
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
  const vectors = {
    model_id: ["bigint", rows.map(() => modelId)],
    embedding: ["extensions.vector", embeddings.map(text)],
    id_embedding: ["extensions.vector", rows.map(({ id }) => text(idEmbeddings.get(id)))],
  } as const;
  const ids = ["uuid", rows.map(({ id }) => id)] as const;
  // a table of the model's own until it is complete; an update of what is idle would leave each of these rows twice
  const idle =
    kind === "post"
      ? await run(client, call("recsys_engine.idle_posts", { p_post_ids: rows.map(({ id }) => id) }))
      : [];
  const isIdle = new Set(idle.map(({ idle_posts }) => idle_posts));
  const written =
    kind === "post"
      ? insertRows(`recsys_engine.post_embeddings_${modelId}` as "recsys.post_embeddings", {
          ...vectors,
          post_id: ids,
          is_unindexed: ["boolean", rows.map(({ id }) => isIdle.has(id) || null)],
        })
      : insertRows(`recsys_engine.user_embeddings_${modelId}` as "recsys.user_embeddings", {
          ...vectors,
          user_id: ids,
        });
  await run(client, written);
}
