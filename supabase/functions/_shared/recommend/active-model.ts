import type { Connection } from "../database/database.ts";
import { AppError } from "../http/errors.ts";
import type { ModelCache, ServingModel } from "../models/models.ts";
import type { ContextRow } from "./read-context.ts";
import type { FeedModel } from "./scores.ts";

/** The active model, as far as it can be loaded. */
export interface Active {
  id: string;
  name: string;
  tower: ServingModel<"user_tower">;
  /** Or why it cannot rank. */
  ranker: FeedModel | AppError;
}

/** The model that serves this feed; null: none is active. Throws AppError where its tower cannot be loaded. */
export async function activeModel(models: ModelCache, row: ContextRow, connection: Connection): Promise<Active | null> {
  if (row.model_id === null) return null;
  const active = { id: row.model_id, name: row.model_name ?? "", featureSpecDigest: row.feature_spec_digest ?? "" };
  const { id, name } = active;
  try {
    const model = await models(active, connection, ["user_tower", "dlrm"]);
    return { id, name, tower: model, ranker: model };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // where only the ranker is broken, the tower finds all the same; where it is the tower, this throws
    return { id, name, tower: await models(active, connection, ["user_tower"]), ranker: error };
  }
}
