/**
 * Embeds posts for the models of running experiments and shadows, which cannot recommend posts newer than themselves
 * otherwise. Edited posts keep their old vectors there; users need none, since a feed embeds its user.
 */

import type { InferResult } from "kysely";
import type { Pool } from "../database/database.ts";
import { db, insertRows } from "../database/query.ts";
import { readAs, service, transactAs } from "../database/run-as-caller.ts";
import { type PostInput, postTowerInputs } from "../features/tower-inputs.ts";
import { AppError } from "../http/errors.ts";
import type { ModelCache } from "../models/models.ts";
import { towerVectors } from "../towers/tower-vectors.ts";
import { ownVectors } from "./own-vectors.ts";
import { basisOfModel, type PostToEmbed, readPosts } from "./read-jobs.ts";

/** Number of posts that one model embeds at a time. */
const batchSize = 100;

/**
 * Embeds up to 100 posts for one such model and returns their number, 0 if none is left. If a model cannot be used, the
 * others are embedded first; then its AppError is thrown.
 */
export async function embedForVariants(services: { pool: Pool; models: ModelCache }): Promise<number> {
  const lacking = await readAs(services.pool, service, missingVectors(), async (_, rows) => rows);
  let failure: AppError | undefined;
  for (const missing of lacking)
    try {
      const made = await embedMissing(services, missing);
      if (made > 0) return made;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      failure ??= error;
    }
  if (failure) throw failure;
  return 0;
}

async function embedMissing({ pool, models }: { pool: Pool; models: ModelCache }, missing: Missing): Promise<number> {
  const { model, posts, own } = await transactAs(
    pool,
    service,
    readPosts(missing.id, missing.post_ids),
    async (connection, posts) => {
      const active = { ...missing, featureSpecDigest: missing.feature_spec_digest };
      const model = await models(active, connection, ["post_tower", "user_tower"]);
      return { model, posts, own: await ownVectors(connection, "post", missing.basis, missing.post_ids) };
    },
  );
  // a post without a vector of this model has no ID embedding either
  const inputs = posts.map(
    (row: PostToEmbed): PostInput => ({ ...row, vector: own.get(row.id) ?? null, id_embedding: null }),
  );
  const vectors = await towerVectors(model.graphs.post_tower, inputs, postTowerInputs);
  const made = posts.flatMap(({ id }, i) => {
    const vector = vectors[i];
    return vector instanceof Error ? [] : [{ id, vector }];
  });
  if (made.length === 0) return 0;
  return await transactAs(pool, service, insertVectors(missing.id, made), async (_, rows) => rows.length);
}

/** Posts that each such model lacks, latest changes first; no row for a model that lacks none. */
function missingVectors() {
  return db
    .selectFrom("recsys_engine.models_under_test as tried")
    .innerJoin("recsys.models as models", "models.model_id", "tried.model_id")
    .innerJoinLateral(
      ({ selectFrom }) =>
        selectFrom("recsys_engine.embedding_changes as changes")
          .innerJoin("recsys.source_posts as posts", "posts.post_id", "changes.entity_id")
          .select("posts.post_id")
          .where("changes.kind", "=", "post")
          .where(({ not, exists, selectFrom }) =>
            not(
              exists(
                selectFrom("recsys.post_embeddings as own")
                  .select("own.post_id")
                  .whereRef("own.model_id", "=", "models.model_id")
                  .whereRef("own.post_id", "=", "changes.entity_id"),
              ),
            ),
          )
          .orderBy("changes.changed_by", "desc")
          .limit(batchSize)
          .as("missing"),
      (join) => join.onTrue(),
    )
    .select(({ fn, ref }) => [
      "models.model_id as id",
      "models.name",
      "models.feature_spec_digest",
      basisOfModel.as("basis"),
      fn.agg<string[]>("array_agg", [ref("missing.post_id")]).as("post_ids"),
    ])
    .where("models.status", "in", ["ready", "retired"])
    .groupBy("models.model_id")
    .orderBy("models.model_id");
}

type Missing = InferResult<ReturnType<typeof missingVectors>>[number];

function insertVectors(modelId: number, made: { id: string; vector: Float32Array }[]) {
  const rows = insertRows("recsys.post_embeddings", {
    model_id: ["bigint", made.map(() => modelId)],
    post_id: ["uuid", made.map(({ id }) => id)],
    embedding: ["extensions.vector", made.map(({ vector }) => JSON.stringify([...vector]))],
  });
  // another worker may have inserted it already
  return rows.onConflict((row) => row.doNothing()).returning("post_id");
}
