/** Which days something that runs still reads in the table. */
import { sql } from "kysely";
import type pg from "pg";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";

/** A feed leaves out what was seen within 30 days (recsys_engine.seen_posts), and a day is whole at its end. */
export const feedLookbackDays = 31;

/** Of an experiment what was shown from its start on counts, and for the people in it the 28 days before. */
const experimentDay = sql<string>`to_char(least(counted_from, started_at - interval '28 days') at time zone 'UTC', 'YYYY-MM-DD')`;

/** The days of the log that the report of an experiment counts, both included; without `to` it runs. undefined: there is no such experiment. */
export async function daysOfExperiment(
  client: Pick<pg.Pool, "query">,
  name: string,
): Promise<{ from: string; to: string | undefined } | undefined> {
  const [days] = await run(
    client,
    db
      .selectFrom("recsys.experiments")
      .select([
        experimentDay.as("from"),
        sql<string | null>`to_char(ended_at at time zone 'UTC', 'YYYY-MM-DD')`.as("to"),
      ])
      .where("name", "=", name),
  );
  return days && { from: days.from, to: days.to ?? undefined };
}

/** The first day that an experiment counts which runs. */
export async function firstRetainedDay(
  client: Pick<pg.Pool, "query">,
): Promise<{ day: string; reason: string } | undefined> {
  const [held] = await run(
    client,
    db
      .selectFrom("recsys.experiments")
      .select([experimentDay.as("day"), sql<string>`format('experiment %s runs and counts them', name)`.as("reason")])
      .where("ended_at", "is", null)
      .orderBy("day")
      .limit(1),
  );
  return held;
}

/** The first day that may not be archived, by the engine's clock. */
export async function archivableUntil(client: Pick<pg.Pool, "query">): Promise<string> {
  const [{ day }] = await run(
    client,
    db.selectNoFrom(
      sql<string>`to_char((recsys.clock() at time zone 'UTC')::date - ${feedLookbackDays}::integer, 'YYYY-MM-DD')`.as(
        "day",
      ),
    ),
  );
  return day;
}
