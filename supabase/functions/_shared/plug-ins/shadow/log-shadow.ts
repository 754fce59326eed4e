import { service, writeInBackground } from "../../database/caller.ts";
import type { Pool, Statement } from "../../database/database.ts";
import { kinds } from "../../features/kinds.ts";
import type { Predictions } from "../../recommend/feed.ts";
import type { ReplayedPlace } from "./replay.ts";
import type { Answered } from "./shadow-scores.ts";

/** Writes what a shadow said of a feed to recsys.shadow_impressions. */
export async function logShadow(
  pool: Pool,
  answered: Answered,
  modelId: string,
  places: ReplayedPlace[],
): Promise<void> {
  await writeInBackground(pool, service, insertPlaces(answered, modelId, places));
}

function insertPlaces(
  { requestId, caller, shownAt }: Answered,
  modelId: string,
  places: ReplayedPlace[],
): Statement<unknown> {
  return {
    text: `insert into recsys.shadow_impressions (
        request_id, shadow_model_id, user_id, shown_at, post_id, score, probabilities, served_score, served_probabilities, propensity, support, expected, served_expected,
        weight_squared, weight_cubed
      )
      select
        $1::uuid, $2::bigint, $3::uuid, $4::timestamptz, post_id, score, probabilities::real[], served_score, served_probabilities::real[], propensity, support, expected::real[],
        served_expected::real[], weight_squared, weight_cubed
      from unnest($5::uuid[], $6::real[], $7::text[], $8::real[], $9::text[], $10::real[], $11::real[], $12::text[], $13::text[], $14::double precision[], $15::double precision[])
        as place (post_id, score, probabilities, served_score, served_probabilities, propensity, support, expected, served_expected, weight_squared, weight_cubed)`,
    values: [
      requestId,
      modelId,
      caller.sub,
      shownAt,
      places.map(({ served }) => served.post.post_id),
      places.map(({ shadow }) => real(shadow?.score)),
      places.map(({ shadow }) => threeOf(shadow?.predictions)),
      places.map(({ served }) => real(served.score)),
      places.map(({ served }) => threeOf(served.predictions)),
      places.map(({ propensity }) => real(propensity)),
      places.map(({ drawn }) => real(drawn?.support)),
      places.map(({ drawn }) => reals(drawn?.expected)),
      places.map(({ drawn }) => reals(drawn?.servedExpected)),
      places.map(({ drawn }) => finite(drawn?.weightSquared)),
      places.map(({ drawn }) => finite(drawn?.weightCubed)),
    ],
  };
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
