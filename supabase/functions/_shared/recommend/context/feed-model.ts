import type { Connection } from "../../database/database.ts";
import { AppError } from "../../http/errors.ts";
import type { ModelCache, ServingModel } from "../../models/models.ts";
import type { ContextRow } from "./read-context.ts";

/** The model of a feed, as far as it can be loaded. */
export interface FeedModel {
  id: number;
  name: string;
  tower: ServingModel<"user_tower">;
  /** Or why it cannot rank. */
  ranker: ServingModel<"dlrm"> | AppError;
}

/** The model that the context names; null: none is active. Throws AppError where its tower cannot be loaded. */
export async function feedModel(
  models: ModelCache,
  row: Pick<ContextRow, "model_id" | "model_name" | "feature_spec_digest">,
  connection: Connection,
): Promise<FeedModel | null> {
  if (row.model_id === null) return null;
  const named = { id: row.model_id, name: row.model_name ?? "", featureSpecDigest: row.feature_spec_digest ?? "" };
  const { id, name } = named;
  try {
    const model = await models(named, connection, ["user_tower", "dlrm"]);
    return { id, name, tower: model, ranker: model };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // where only the ranker is broken, the tower finds all the same; where it is the tower, this throws
    return { id, name, tower: await models(named, connection, ["user_tower"]), ranker: error };
  }
}

/** Whether a model is what failed. */
export function isModelError(error: unknown): boolean {
  return error instanceof AppError && ["model_corrupt", "model_incompatible"].includes(error.code);
}
