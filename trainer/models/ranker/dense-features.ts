/** The ranker's dense features: those of the user, of the post and of the pair, one after the other. */
import {
  pairFeatures,
  postFeatures,
  userFeatures,
} from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { recencyBaselineWeights } from "../../../supabase/functions/_shared/features/recency-baseline.ts";
import type { Matrix } from "../nn/dense.ts";

export const denseWidth = userFeatures.length + postFeatures.length + pairFeatures.length;

/** Columns of the two features that the recency baseline reads, and of the towers' similarity. */
export const logAgeColumn = userFeatures.length + postFeatures.indexOf("log_age");
export const logIdleColumn = userFeatures.length + postFeatures.indexOf("log_idle");
export const similarityColumn = userFeatures.length + postFeatures.length + pairFeatures.indexOf("similarity");

/** Column of how many people interacted with a post: its popularity of all time. */
export const popularityColumn = userFeatures.length + postFeatures.indexOf("log_participants");

/** Column of what only some models have a source for. */
export const covisitedColumn = userFeatures.length + postFeatures.length + pairFeatures.indexOf("log_covisited_rank");

/** The recency baseline of the row of dense features that begins at `offset`. */
export function recencyBaselineAt(dense: Float32Array, offset: number): number {
  const { log_idle, log_age } = recencyBaselineWeights;
  return log_idle * dense[offset + logIdleColumn] + log_age * dense[offset + logAgeColumn];
}

/** [denseWidth, 1]: the recency baseline as a product with the dense features. */
export function recencyBaselineMatrix(): Matrix {
  const values = new Float32Array(denseWidth);
  values[logIdleColumn] = recencyBaselineWeights.log_idle;
  values[logAgeColumn] = recencyBaselineWeights.log_age;
  return { values, shape: [denseWidth, 1] };
}

/** Logarithms of counts of a user's actions and follows: all 0 is a new user. */
export const activityColumns = ["log_views", "log_votes", "log_comments", "log_follows"].map((name) =>
  userFeatures.indexOf(name),
);

/** Whether the row of dense features at `offset` is a new user's: no actions and no follows. */
export function isNewUser(dense: Float32Array, offset: number): boolean {
  return activityColumns.every((column) => dense[offset + column] === 0);
}

// The standardisation of dense features as the network does it, for what is fitted outside of it.

export interface Standardisation {
  /** [denseWidth] */
  mean: Float32Array;
  deviation: Float32Array;
}

/** A value of dense feature `f`, within ± 5. */
export function standardised(value: number, f: number, { mean, deviation }: Standardisation): number {
  return Math.min(5, Math.max(-5, (value - mean[f]) / deviation[f]));
}
