/** Makes the pool of ideas with the topics of a model, so that no call of the function `ideas` has to wait for it. */
import type { Database } from "../../db/connect.ts";
import { openPool } from "../../supabase/functions/_shared/database/pool.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { readAs, service } from "../../supabase/functions/_shared/database/run-as-caller.ts";
import { makeIdeas } from "../../supabase/functions/_shared/ideas/idea-pools.ts";
import { loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import { modelCache } from "../../supabase/functions/_shared/models/models.ts";

/** Returns how many ideas there are; undefined: no model is active. Throws where the database or the model fails. */
export async function storeIdeas({ url }: Pick<Database, "url">): Promise<number | undefined> {
  const pool = openPool(url, () => {}, { max: 1 });
  try {
    const statement = db
      .selectFrom("recsys.models")
      .select(["model_id as id", "name", "feature_spec_digest as featureSpecDigest"])
      .where("status", "=", "active");
    const models = modelCache(loadRuntime);
    const active = await readAs(pool, service, statement, async (connection, [model]) => {
      if (!model) return undefined;
      const { graphs } = await models(model, connection, ["post_tower"]);
      return { id: model.id, tower: graphs.post_tower };
    });
    if (!active) return undefined;
    return (await makeIdeas(pool, active.id, async () => active.tower)).pool.ideas.length;
  } finally {
    await pool.end();
  }
}
