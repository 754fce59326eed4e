import type { ClientBase } from "pg";
import { execute } from "../../supabase/functions/_shared/database/database.ts";
import { insertRows } from "../../supabase/functions/_shared/database/query.ts";
import type { ImpressionRecord } from "../bundle/records.ts";
import { plainArray } from "./array-literal.ts";
import type { Written } from "./import-part.ts";
import { externalUuid } from "./known-ids.ts";

/** Inserts impressions into the exposure log; resolves to how many were new. Score and model are unknown, so null. */
export async function insertImpressions(
  client: ClientBase,
  impressions: ImpressionRecord[],
  users: string[],
  posts: string[],
): Promise<Written> {
  const rows = insertRows("recsys.impressions", {
    request_id: ["uuid", plainArray(requestUuids(impressions))],
    user_id: ["uuid", plainArray(users)],
    post_id: ["uuid", plainArray(posts)],
    position: ["smallint", plainArray(impressions.map(({ position }) => position))],
    shown_at: ["timestamptz", plainArray(impressions.map(({ shown_at }) => shown_at))],
  });
  const added = await execute(
    client,
    rows.onConflict((row) => row.doNothing()),
  );
  return { added, updated: 0 };
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
