/** The model of an experiment's variant, which may fail without taking the feed from anybody. */
import { AppError } from "../http/errors.ts";
import type { ContextRow } from "./read-context.ts";

/** The model of a variant cannot serve: the people of the variant get the active one. */
export class VariantModelFailed extends Error {
  constructor({ variant, variant_model_id }: ContextRow, what: string, cause?: unknown) {
    super(`model ${variant_model_id} of the experiment in ${variant} ${what}: the active model serves`, { cause });
  }
}

/** Whether a model is that of the user's variant. */
export function isVariantModel({ variant_model_id }: ContextRow, modelId: string | null): boolean {
  return variant_model_id !== null && variant_model_id === modelId;
}

/** Whether a model is what failed. */
export function isModelError(error: unknown): boolean {
  return error instanceof AppError && ["model_corrupt", "model_incompatible"].includes(error.code);
}
