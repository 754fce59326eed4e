/** A feed fetched as an app fetches it: over HTTP, with a token of the user. supabase-js would ask for Node 22 here. */

import { sql } from "kysely";
import type { Database } from "../../db/connect.ts";
import { UserError } from "../../db/user-error.ts";
import type { Gateway } from "../../serve/gateway.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { countOf, db } from "../../supabase/functions/_shared/database/query.ts";
import type { Feed } from "../../supabase/functions/_shared/recommend/request/feed-schema.ts";
import { table } from "../../trainer/evaluation/report/table.ts";

/** A look at the feed of a user, which logs no impressions. Throws a `UserError` with what the function answered. */
export async function fetchFeed(gateway: Gateway, userId: string, limit: number): Promise<Feed> {
  const response = await fetch(`${gateway.url}/functions/v1/recommend`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      apikey: gateway.publishableKey,
      authorization: `Bearer ${await gateway.tokenOf(userId, { preview: true })}`,
    },
    body: JSON.stringify({ limit }),
  }).catch((error: Error) => {
    throw new UserError(`the function does not answer: ${error.message}`);
  });
  const answer = await response.json().catch(() => undefined);
  if (!response.ok || !answer)
    throw new UserError(answer?.error?.message ?? `the function answered ${response.status}`);
  return answer;
}

export function feedTable(feed: Feed): string {
  const percent = (value: number | undefined) => (value === undefined ? "–" : `${(100 * value).toFixed(1)} %`);
  const rows = feed.items.map((item) => [
    `${String(item.position).padStart(2)}  ${shorten(item.title, 60)}`,
    item.score.toFixed(3),
    percent(item.predictions?.view),
    percent(item.predictions?.vote),
    percent(item.predictions?.comment),
    item.source,
  ]);
  return table(["    post", "score", "view", "vote", "comment", "source"], rows);
}

/** What a feed is based on, in words. */
export function basisInWords(feed: Feed): string {
  const nobody = feed.degraded ? "not ranked, something failed" : "no model yet";
  const by = feed.model ? `model ${feed.model.name}` : nobody;
  return {
    history: `${by}, from what they did`,
    profile: `${by}, from their profile alone`,
    followees: `${by}, from whom they follow alone`,
    community: `${by}; what is fresh and popular`,
    follows: "the newest of whom and what they follow, as they want it",
  }[feed.basis];
}

const users = db.selectFrom("recsys.source_users").select(["user_id", "external_id"]);

/** A user by uuid or by the id they had in the imported bundle. */
export async function findUser(database: Database, wanted: string) {
  const named = users.where((user) =>
    user("external_id", "=", wanted).or(sql`${user.ref("user_id")}::text`, "=", wanted.toLowerCase()),
  );
  const [user] = await run(database.pool, named.limit(1));
  if (!user) throw new UserError(`there is no user ${wanted}: name one by uuid or by the id of the imported bundle`);
  return user;
}

/** The user with the most interactions: their feed can be expected to be personal. */
export async function mostActiveUser(database: Database) {
  const mostActive = db
    .selectFrom("recsys.source_interactions")
    .select("user_id")
    .groupBy("user_id")
    .orderBy(countOf(), "desc")
    .orderBy("user_id")
    .limit(1);
  const [user] = await run(database.pool, users.where("user_id", "=", mostActive));
  if (!user)
    throw new UserError(
      "nobody has done anything in this community yet: import one with `npx --no-install recsys import --data DIR`",
    );
  return user;
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
