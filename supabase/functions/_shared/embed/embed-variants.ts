/**
 * Models of running experiments and shadows beside the active one: what was written since such a model was published has no vector of it, and nothing
 * would bring it as similar to anybody, so that every new model would lose by that alone. Once the active model has embedded a post,
 * these do. An edited post keeps its earlier vector in them, and users need none: a feed computes its own.
 */
import { changeAs, readAs, service } from "../database/caller.ts";
import type { Pool, Statement } from "../database/database.ts";
import { type PostInput, postTowerInputs } from "../features/tower-inputs.ts";
import { AppError } from "../http/errors.ts";
import type { ModelCache } from "../models/models.ts";
import { towerVectors } from "../towers/tower-vectors.ts";
import { type PostToEmbed, readPosts } from "./read-jobs.ts";

/** How many posts one model embeds at once. */
const batchSize = 100;

/**
 * Embeds up to a hundred posts for one model of an experiment or shadow and returns how many; 0: nothing is left that can be embedded. A model that cannot be
 * used keeps no other from its vectors: AppError is thrown for it when the others have theirs.
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
  const { model, posts } = await readAs(
    pool,
    service,
    readPosts(missing.id, missing.post_ids),
    async (connection, posts) => {
      const active = { ...missing, featureSpecDigest: missing.feature_spec_digest };
      return { model: await models(active, connection, ["post_tower", "user_tower"]), posts };
    },
  );
  // a post without a vector of this model has no ID embedding either
  const inputs = posts.map((row: PostToEmbed): PostInput => ({ ...row, id_embedding: null }));
  const vectors = await towerVectors(model.graphs.post_tower, inputs, postTowerInputs);
  const made = posts.flatMap(({ id }, i) => {
    const vector = vectors[i];
    return vector instanceof Error ? [] : [{ id, vector }];
  });
  if (made.length === 0) return 0;
  return await changeAs(pool, service, insertVectors(model.id, made), async (_, rows) => rows.length);
}

/** A model of an experiment or shadow, and the posts that it lacks. */
interface Missing {
  id: string;
  name: string;
  feature_spec_digest: string;
  post_ids: string[];
}

/** What each model of an experiment or shadow lacks, the latest changed first; no row of one that lacks nothing. */
function missingVectors(): Statement<Missing> {
  return {
    text: `select models.model_id::text as id, models.name, models.feature_spec_digest, array_agg(missing.post_id) as post_ids
      from recsys.tried_models
      join recsys.models on models.model_id = tried_models.model_id and models.status in ('ready', 'retired')
      cross join lateral (
        select posts.post_id
        from recsys.embedding_changes as changes
        join recsys.source_posts as posts on posts.post_id = changes.entity_id
        where changes.kind = 'post' and not exists (
          select from recsys.post_embeddings
          where post_embeddings.model_id = models.model_id and post_embeddings.post_id = changes.entity_id
        )
        order by changes.changed_by desc
        limit $1::integer
      ) as missing
      group by models.model_id
      order by models.model_id`,
    values: [batchSize],
  };
}

function insertVectors(modelId: string, made: { id: string; vector: Float32Array }[]): Statement<unknown> {
  return {
    // another worker may have been faster
    text: `insert into recsys.post_embeddings (model_id, post_id, embedding)
      select $1::bigint, made.post_id, made.embedding::extensions.vector from unnest($2::uuid[], $3::text[]) as made (post_id, embedding)
      on conflict do nothing
      returning post_id`,
    values: [modelId, made.map(({ id }) => id), made.map(({ vector }) => JSON.stringify([...vector]))],
  };
}
