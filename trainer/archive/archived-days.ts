/** Which days of the exposure log are in files, and which have a partition. */
import { sql } from "kysely";
import type pg from "pg";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";

type Client = Pick<pg.PoolClient, "query">;

/** A file of recsys_engine.archived_days. */
export interface ArchivedPart {
  /** YYYY-MM-DD, by UTC. */
  day: string;
  part: number;
  location: string;
  path: string;
  rows: number;
  promoted: number;
  checksum: string;
  bytes: number;
  sha256: string;
  /** Since when its rows are in the table again. */
  restoredAt: Date | null;
}

/** A day that has a table of its own. */
export interface DayTable {
  day: string;
  /** With its schema. */
  table: string;
  isAttached: boolean;
}

const dayText = (column: string) => sql<string>`to_char(${sql.ref(column)}, 'YYYY-MM-DD')`;

/** All files, by day and part. */
export async function archivedParts(client: Client): Promise<ArchivedPart[]> {
  return await run(
    client,
    db
      .selectFrom("recsys_engine.archived_days")
      .select([
        dayText("day").as("day"),
        "part",
        "location",
        "path",
        sql<number>`row_count`.as("rows"),
        sql<number>`promoted_count`.as("promoted"),
        sql<string>`checksum::text`.as("checksum"),
        sql<number>`bytes`.as("bytes"),
        "sha256",
        sql<Date | null>`restored_at`.as("restoredAt"),
      ])
      .orderBy("day")
      .orderBy("part"),
  );
}

/** Days with a table, in their order. */
export async function dayTables(client: Client): Promise<DayTable[]> {
  return await run(
    client,
    db
      .selectFrom("recsys_engine.impression_partitions")
      .select([
        sql<string>`to_char(first at time zone 'UTC', 'YYYY-MM-DD')`.as("day"),
        sql<string>`'recsys_engine.' || name`.as("table"),
        sql<boolean>`is_attached`.as("isAttached"),
      ])
      .where("is_day", "=", true)
      .orderBy("first"),
  );
}

/** Says that a file holds a day, or a part of it. */
export async function insertPart(client: Client, part: ArchivedPart): Promise<void> {
  const { day, rows, promoted, restoredAt, ...others } = part;
  await run(
    client,
    db.insertInto("recsys_engine.archived_days").values({
      ...others,
      day: sql<Date>`${day}::date`,
      row_count: rows,
      promoted_count: promoted,
      restored_at: restoredAt,
    }),
  );
}

/** Forgets a file. */
export async function deletePart(client: Client, { day, part }: ArchivedPart): Promise<void> {
  await run(
    client,
    db.deleteFrom("recsys_engine.archived_days").where("day", "=", sql<Date>`${day}::date`).where("part", "=", part),
  );
}

/** Says whether the rows of a day are in the table again. */
export async function setRestored(client: Client, day: string, isRestored: boolean): Promise<void> {
  await run(
    client,
    db
      .updateTable("recsys_engine.archived_days")
      .set({ restored_at: isRestored ? sql<Date>`now()` : null })
      .where("day", "=", sql<Date>`${day}::date`),
  );
}

/** The day that some days come after another: of 2026-01-31 and 1 it is 2026-02-01. */
export function dayAfter(day: string, days = 1): string {
  return new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);
}
