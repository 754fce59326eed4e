/** How it stands with the posts under trial, kept by the worker as what is common to all feeds is: until a roll-up, or for ten seconds. */
import { sql } from "kysely";
import { type Connection, type Statement, toStatement } from "../../database/database.ts";
import { db, milliseconds } from "../../database/query.ts";
import { queryAsService } from "../../database/run-as-caller.ts";
import type { ExplorationStats } from "./exploration.ts";

/** In milliseconds. */
const keptFor = 10_000;
/** Requests that began at the same time have clocks that differ by less. */
const sameMoment = 1_000;

export function createExplorationStatsCache() {
  let kept: { at: number; featureStore: number; trials: ExplorationStats } | undefined;
  return {
    /**
     * As of `now`, the engine's clock in milliseconds, and recsys_engine.feature_store_version; `connection` is in a transaction under `role`.
     * Sends its statements at once, so that they travel with others.
     */
    async of(connection: Connection, role: string, featureStore: number, now: number): Promise<ExplorationStats> {
      if (kept && kept.featureStore === featureStore) {
        const age = now - kept.at;
        if (age <= keptFor && age > -sameMoment) return kept.trials;
      }
      const [{ at, since, post_id, impressions, acted }] = await queryAsService(connection, role, readTrials);
      const known = new Map((post_id ?? []).map((id, i) => [id, { impressions: impressions[i], acted: acted[i] }]));
      kept = { at, featureStore, trials: { known, since, rate: usualRate([...known.values()]) } };
      return kept.trials;
    },
  };
}
export type ExplorationStatsCache = ReturnType<typeof createExplorationStatsCache>;

/** Nothing is known of the first impressions of all: then as if one of 20 had been acted on. */
function usualRate(trials: { impressions: number; acted: number }[]): number {
  let [impressions, acted] = [20, 1];
  for (const trial of trials) {
    impressions += trial.impressions;
    acted += trial.acted;
  }
  return acted / impressions;
}

/** null: there are none. */
type Columns = { post_id: string[] | null; impressions: number[]; acted: number[]; at: number; since: number };

/** Where more are written in a week than that, posts are under trial for less than a week. */
const most = 5_000;

const newest = db
  .selectFrom("recsys_engine.exploration_stats")
  .select(["post_id", "impressions", "acted", "created_at"])
  .where("created_at", ">", sql<Date>`recsys.clock() - recsys_engine.exploration_max_age()`)
  .orderBy("created_at", "desc")
  .limit(sql.lit(most));

/** The newest. */
const readTrials: Statement<Columns> = toStatement(
  db.selectFrom(newest.as("newest")).select(({ ref }) => {
    const oldest = sql`case when count(*) = ${sql.lit(most)} then min(${ref("created_at")}) else recsys.clock() - recsys_engine.exploration_max_age() end`;
    return [
      sql<string[] | null>`json_agg(${ref("post_id")})`.as("post_id"),
      sql<number[]>`json_agg(${ref("impressions")})`.as("impressions"),
      sql<number[]>`json_agg(${ref("acted")})`.as("acted"),
      milliseconds(sql`recsys.clock()`).as("at"),
      milliseconds(oldest).as("since"),
    ];
  }),
);
