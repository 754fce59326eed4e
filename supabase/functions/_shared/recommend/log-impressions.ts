import type { Statement } from "../database.ts";
import type { Feed } from "./recommend.ts";

/** Writes what was shown to recsys.impressions, under the user's own role. */
export function logImpressions(feed: Feed, userId: string, shownAt: Date): Statement<unknown> {
  const { items, model } = feed;
  return {
    text: `insert into recsys.impressions (request_id, user_id, shown_at, model_id, post_id, position, score, source)
      select $1::uuid, $2::uuid, $3::timestamptz, $4::bigint, shown.post_id, shown.position, shown.score, shown.source
      from unnest($5::uuid[], $6::smallint[], $7::real[], $8::text[]) as shown (post_id, position, score, source)`,
    values: [
      feed.request_id,
      userId,
      shownAt,
      model?.id ?? null,
      items.map((item) => item.post_id),
      items.map((item) => item.position),
      items.map((item) => item.score),
      items.map((item) => item.source),
    ],
  };
}
