import type { ClientBase } from "pg";
import type { ImpressionRecord } from "../bundle/records.ts";
import { plainArray } from "./array-literal.ts";
import { externalUuid } from "./external-id.ts";
import type { Written } from "./import-part.ts";

/** Inserts impressions into the exposure log; resolves to how many were new. Score and model are unknown, so null. */
export async function insertImpressions(
  client: ClientBase,
  impressions: ImpressionRecord[],
  users: string[],
  posts: string[],
): Promise<Written> {
  const added = await client.query(
    `insert into recsys.impressions (request_id, user_id, post_id, position, shown_at)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::timestamptz[])
    on conflict do nothing`,
    [
      plainArray(requestUuids(impressions)),
      plainArray(users),
      plainArray(posts),
      plainArray(impressions.map(({ position }) => position)),
      plainArray(impressions.map(({ shown_at }) => shown_at)),
    ],
  );
  return { added: added.rowCount ?? 0, updated: 0 };
}

/** A request's impressions stand together, so most ids repeat the one before. */
function requestUuids(impressions: ImpressionRecord[]): string[] {
  let last = "";
  let uuid = "";
  return impressions.map(({ request_id }) => {
    if (request_id !== last) {
      last = request_id;
      uuid = externalUuid("request", request_id);
    }
    return uuid;
  });
}
