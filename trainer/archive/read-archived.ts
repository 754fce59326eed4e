/**
 * Training and reports read archived days as they read the table: in their transaction they insert the rows into the
 * log, for every view and function, and roll back. No other transaction ever sees them.
 */
import { sql } from "kysely";
import type pg from "pg";
import type { Database } from "../../db/connect.ts";
import type { OnProgress } from "../../db/progress.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db, milliseconds } from "../../supabase/functions/_shared/database/query.ts";
import { type ArchivedPart, archivedParts, dayAfter } from "./archived-days.ts";
import { readDayFile } from "./day-file.ts";
import { type ImpressionColumn, impressionColumnNames } from "./impression-row.ts";
import { insertArchivedRows } from "./insert-rows.ts";
import { storeAt } from "./store.ts";

/** What training asks of the log. Features are computed again. */
const trainingColumns: ImpressionColumn[] = [
  "request_id",
  "user_id",
  "post_id",
  "position",
  "shown_at",
  "seen_at",
  "promotion_id",
  "mode",
];

interface LogOptions {
  /** How many of the last days of the log are read as a whole. */
  lastDays: number;
  onProgress: OnProgress;
}

/** Loads what was promoted from an instant on, milliseconds since 1970. */
type LoadPromoted = (since: number) => Promise<void>;

/** A transaction that is rolled back, and how it gets an archived file's rows into the log. */
interface LogReader {
  client: pg.PoolClient;
  /** Files whose rows are not in the table. */
  parts: ArchivedPart[];
  load(part: ArchivedPart, columns: readonly ImpressionColumn[], onlyPromoted?: boolean): Promise<void>;
}

/** Reads with the archived days in the log that training reads: those of its last pages, and what was promoted since whenever it asks for. */
export async function readingLog<Result>(
  database: Pick<Database, "pool">,
  { lastDays, onProgress }: LogOptions,
  read: (client: pg.PoolClient, loadPromoted: LoadPromoted) => Promise<Result>,
): Promise<Result> {
  return await withArchived(database, onProgress, async ({ client, parts, load }) => {
    const done = new Set<ArchivedPart>();
    const loadOnce = async (part: ArchivedPart, onlyPromoted: boolean) => {
      done.add(part);
      await load(part, trainingColumns, onlyPromoted);
    };
    // the pages that are learned from are the last ones: where the table has none, those of the last archived days
    for (let missing = parts; missing.length > 0; ) {
      const from = await pagesFrom(client, parts, lastDays);
      missing = parts.filter((part) => !done.has(part) && part.day >= from);
      for (const part of missing) await loadOnce(part, false);
    }
    return await read(client, async (since) => {
      const first = new Date(since).toISOString().slice(0, 10);
      for (const part of parts)
        if (!done.has(part) && part.promoted > 0 && part.day >= first) await loadOnce(part, true);
    });
  });
}

/** Reports ask for all but the features. */
const reportColumns = impressionColumnNames.filter((name) => name !== "features");

/** Reads with the archived days from one to another in the log, both YYYY-MM-DD and included; without `to` all later ones. */
export async function readingDays<Result>(
  database: Pick<Database, "pool">,
  { from, to, onProgress }: { from: string; to?: string | undefined; onProgress: OnProgress },
  read: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  return await withArchived(database, onProgress, async ({ client, parts, load }) => {
    for (const part of parts)
      if (part.day >= from && (to === undefined || part.day <= to)) await load(part, reportColumns);
    return await read(client);
  });
}

async function withArchived<Result>(
  { pool }: Pick<Database, "pool">,
  onProgress: OnProgress,
  read: (reader: LogReader) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let loaded = 0;
  try {
    await client.query("begin isolation level repeatable read");
    // before the snapshot, so that no day is detached after it
    await client.query("lock table recsys.impressions in access share mode");
    const parts = (await archivedParts(client)).filter(({ restoredAt }) => restoredAt === null);
    if (parts.length === 0) await client.query("set transaction read only");
    return await read({
      client,
      parts,
      load: async (part, columns, onlyPromoted = false) => {
        loaded += await loadPart(client, part, columns, onlyPromoted);
        onProgress({ step: "archived impressions", done: loaded });
      },
    });
  } finally {
    await client.query("rollback").catch(() => {});
    // what was rolled back takes room until then; who is not the owner leaves it to autovacuum
    if (loaded > 0) await client.query("vacuum recsys_engine.impressions_default").catch(() => {});
    client.release();
  }
}

/** The day from which on pages are read, as far as it is known yet. */
async function pagesFrom(client: pg.PoolClient, parts: ArchivedPart[], lastDays: number): Promise<string> {
  const [{ last }] = await run(
    client,
    db
      .selectFrom("recsys_engine.recommended_impressions")
      .select(sql<number | null>`${milliseconds(sql`max(shown_at)`)}`.as("last")),
  );
  const lastDay = last === null ? undefined : new Date(last).toISOString().slice(0, 10);
  const latest =
    [lastDay, parts.at(-1)?.day]
      .filter((day) => day !== undefined)
      .sort()
      .at(-1) ?? "";
  return latest === "" ? latest : dayAfter(latest, -lastDays);
}

async function loadPart(
  client: pg.PoolClient,
  part: ArchivedPart,
  columns: readonly ImpressionColumn[],
  onlyPromoted: boolean,
): Promise<number> {
  return await (await storeAt(part.location)).lend(part, async (file) => {
    let inserted = 0;
    for await (const group of readDayFile(file, columns)) {
      const wanted = onlyPromoted
        ? group.filter(({ promotion_id }) => promotion_id !== undefined && promotion_id !== null)
        : group;
      if (wanted.length > 0) inserted += await insertArchivedRows(client, "recsys.impressions", columns, wanted);
    }
    return inserted;
  });
}
