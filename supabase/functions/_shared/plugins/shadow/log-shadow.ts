import type { Pool } from "../../database/database.ts";
import { insertRows } from "../../database/query.ts";
import { service, writeInBackground } from "../../database/run-as-caller.ts";
import { kinds } from "../../features/kinds.ts";
import type { Predictions } from "../../recommend/request/feed-schema.ts";
import type { ReplayedPlace } from "./replay-page.ts";
import type { ServedFeed } from "./shadow-scores.ts";

/** Writes what a shadow said of a feed to recsys_engine.shadow_impressions. */
export async function logShadow(
  pool: Pool,
  answered: ServedFeed,
  modelId: number,
  places: ReplayedPlace[],
): Promise<void> {
  await writeInBackground(pool, service, insertPlaces(answered, modelId, places));
}

function insertPlaces({ requestId, caller, shownAt }: ServedFeed, modelId: number, places: ReplayedPlace[]) {
  return insertRows("recsys_engine.shadow_impressions", {
    request_id: ["uuid", places.map(() => requestId)],
    shadow_model_id: ["bigint", places.map(() => modelId)],
    user_id: ["uuid", places.map(() => caller.sub)],
    shown_at: ["timestamptz", places.map(() => shownAt)],
    post_id: ["uuid", places.map(({ served }) => served.post.post_id)],
    score: ["real", places.map(({ shadow }) => real(shadow?.score))],
    probabilities: ["real[]", places.map(({ shadow }) => threeOf(shadow?.predictions))],
    served_score: ["real", places.map(({ served }) => real(served.score))],
    served_probabilities: ["real[]", places.map(({ served }) => threeOf(served.predictions))],
    propensity: ["real", places.map(({ propensity }) => real(propensity))],
    support: ["real", places.map(({ drawn }) => real(drawn?.support))],
    expected: ["real[]", places.map(({ drawn }) => reals(drawn?.expected))],
    served_expected: ["real[]", places.map(({ drawn }) => reals(drawn?.servedExpected))],
    weight_squared: ["double precision", places.map(({ drawn }) => finite(drawn?.weightSquared))],
    weight_cubed: ["double precision", places.map(({ drawn }) => finite(drawn?.weightCubed))],
  });
}

/** In 32 bits, where what is too small is 0: the database refuses it. */
function real(value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : Math.fround(value);
}

function threeOf(predictions: Predictions | null | undefined): string | null {
  return reals(predictions && kinds.map((kind) => predictions[kind]));
}

/** What is too large for any number is as good as this. */
function finite(value: number | undefined): number | null {
  return value === undefined ? null : Math.min(value, 1e300);
}

/** An array of arrays would be one array to unnest, so each travels as its literal. */
function reals(values: number[] | null | undefined): string | null {
  return values ? `{${values.map(Math.fround).join()}}` : null;
}
