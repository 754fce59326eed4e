/**
 * Models of running experiments and shadows beside the active one: what was written since such a model was published has no vector of it, and nothing
 * would bring it as similar to anybody, so that every new model would lose by that alone. Once the active model has embedded a post,
 * these do. An edited post keeps its earlier vector in them, and users need none: a feed computes its own.
 */
import { changeAs, service } from "../database/caller.ts";
import { type Pool, run, type Statement } from "../database/database.ts";
import { type PostInput, postTowerInputs } from "../features/tower-inputs.ts";
import type { ModelCache } from "../models/models.ts";
import { type PostRow, readPosts } from "./read-jobs.ts";
import { towerVectors } from "./tower-vectors.ts";

/** How many posts one model embeds at once. */
const batchSize = 100;

/** Embeds up to a hundred posts for one model of an experiment or shadow and returns how many; 0: nothing is left that can be embedded. Throws AppError when the model cannot be used. */
export async function embedForVariants({ pool, models }: { pool: Pool; models: ModelCache }): Promise<number> {
  const work = await changeAs(pool, service, missingVectors(), async (connection, [missing]) => {
    if (!missing) return null;
    const model = await models({ ...missing, featureSpecDigest: missing.feature_spec_digest }, connection, [
      "post_tower",
      "user_tower",
    ]);
    return { model, posts: await run(connection, readPosts(model.id, missing.post_ids)) };
  });
  if (!work) return 0;
  const { model, posts } = work;
  // a post without a vector of this model has no ID embedding either
  const inputs = posts.map((row: PostRow): PostInput => ({ ...row, id_embedding: null }));
  const vectors = await towerVectors(model.graphs.post_tower, inputs, postTowerInputs);
  const made = posts.flatMap(({ id }, i) => {
    const vector = vectors[i];
    return vector instanceof Error ? [] : [{ id, vector }];
  });
  if (made.length === 0) return 0;
  return await changeAs(pool, service, insertVectors(model.id, made), async (_, rows) => rows.length);
}

interface Missing {
  id: string;
  name: string;
  feature_spec_digest: string;
  post_ids: string[];
}

/** The posts that a model of an experiment or shadow lacks, the latest changed first; no row where none does. */
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
      order by models.model_id
      limit 1`,
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
