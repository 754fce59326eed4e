/** What recsys.settings says, and recsys.kinds. */
import type { PoolClient } from "pg";
import { allHeads, type Head, type HeadWeights } from "../supabase/functions/_shared/features/kinds.ts";
import type { SelectionSettings } from "../supabase/functions/_shared/recommend/select/selectable.ts";
import type { Database } from "./connect.ts";

/** Which community the database holds: the uuid that its models carry. */
export async function readCommunityId({ kysely }: Database): Promise<string> {
  const settings = await kysely.selectFrom("recsys.settings").select("community_id").executeTakeFirstOrThrow();
  return settings.community_id;
}

/** The weights of view, vote and comment in the score: what a ranker is trained for. */
export async function readScoreWeights({ kysely }: Database): Promise<number[]> {
  const settings = await kysely
    .selectFrom("recsys.settings")
    .select(["view_weight", "vote_weight", "comment_weight"])
    .executeTakeFirstOrThrow();
  return [settings.view_weight, settings.vote_weight, settings.comment_weight];
}

/** The weights of all heads in the score: what feeds are ordered by. */
export async function readHeadWeights({ kysely }: Database): Promise<HeadWeights> {
  const settings = await kysely.selectFrom("recsys.settings").selectAll().executeTakeFirstOrThrow();
  return Object.fromEntries(allHeads.map((head) => [head, settings[`${head}_weight`]])) as Record<Head, number>;
}

/** A row of recsys.kinds. */
export interface KindRow {
  kind: string;
  head: string | null;
  weight: number;
}

/** What each of the app's kinds of interaction counts as, and how much. */
export async function readKinds(connection: Pick<PoolClient, "query">): Promise<KindRow[]> {
  const { rows } = await connection.query<KindRow>(
    'select kind, head, weight from recsys.kinds order by kind collate "C"',
  );
  return rows;
}

/** How pages are made of scored candidates. */
export async function readSelectionSettings({ kysely }: Database): Promise<SelectionSettings> {
  return await kysely
    .selectFrom("recsys.settings")
    .select(["diversity", "author_decay", "topic_share"])
    .executeTakeFirstOrThrow();
}

/** The instant for which the engine recommends, milliseconds since 1970: now, but for an archived community. */
export async function readClock({ pool }: Database): Promise<number> {
  const { rows } = await pool.query("select extract(epoch from recsys.clock())::float8 * 1000 as clock");
  return rows[0].clock;
}
