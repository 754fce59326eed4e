import type { Statement } from "../database/database.ts";
import type { Recommendation } from "./recommend.ts";

/** Writes what was shown to recsys.impressions, under the user's own role. */
export function logImpressions({ feed, shownAt, features }: Recommendation, userId: string): Statement<unknown> {
  const { items, model } = feed;
  return {
    text: `insert into recsys.impressions (request_id, user_id, shown_at, model_id, mode, post_id, position, score, source, features, explored)
      select $1::uuid, $2::uuid, $3::timestamptz, $4::bigint, $10::text, shown.post_id, shown.position, shown.score, shown.source, shown.features::real[], shown.explored
      from unnest($5::uuid[], $6::smallint[], $7::real[], $8::text[], $9::text[], $11::boolean[]) as shown (post_id, position, score, source, features, explored)`,
    values: [
      feed.request_id,
      userId,
      shownAt,
      model?.id ?? null,
      items.map((item) => item.post_id),
      items.map((item) => item.position),
      items.map((item) => item.score),
      items.map((item) => item.source),
      // an array of arrays would be one array to unnest, so each travels as its literal
      features.map((row) => row && `{${row.join()}}`),
      feed.mode,
      items.map(({ why }) => why.kind === "exploration"),
    ],
  };
}
