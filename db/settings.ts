/** What recsys.settings says, and recsys.kinds. */
import { sql } from "kysely";
import { type Connection, run } from "../supabase/functions/_shared/database/database.ts";
import { db, fn } from "../supabase/functions/_shared/database/query.ts";
import { type FeedSettings, headWeights } from "../supabase/functions/_shared/recommend/request/feed-settings.ts";
import type { Database } from "./connect.ts";

/** Which community the database holds: the uuid that its models carry. */
export async function readCommunityId({ pool }: Database): Promise<string> {
  const [settings] = await run(pool, db.selectFrom("recsys.settings").select("community_id"));
  return settings.community_id;
}

/** The weights of view, vote and comment in the score: what a ranker is trained for. */
export async function readScoreWeights(database: Database): Promise<number[]> {
  const { view, vote, comment } = headWeights(await readFeedSettings(database));
  return [view, vote, comment];
}

export async function readFeedSettings({ pool }: Database): Promise<FeedSettings> {
  const [settings] = await run(pool, db.selectFrom("recsys_engine.feed_settings").selectAll());
  return settings;
}

/** What each of the app's kinds of interaction counts as, and how much. */
export async function readKinds(connection: Pick<Connection, "query">) {
  const kinds = db.selectFrom("recsys.kinds").select(["kind", "head", "weight"]);
  return await run(
    connection,
    kinds.orderBy("kind", (order) => order.collate("C")),
  );
}

/** The instant for which the engine recommends, milliseconds since 1970: now, but for an archived community. */
export async function readClock({ pool }: Database): Promise<number> {
  const milliseconds = sql<number>`extract(epoch from ${fn("recsys.clock", {})})::float8 * 1000`;
  const [{ clock }] = await run(pool, db.selectNoFrom(milliseconds.as("clock")));
  return clock;
}
