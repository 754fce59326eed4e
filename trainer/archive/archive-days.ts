/**
 * Exports days of the exposure log into files. A day is detached when its file, read back, has the number and checksum of the
 * table's snapshot. Rows after the snapshot make it export the detached table again. A run continues where an earlier one ended.
 */
import { join } from "node:path";
import { sql } from "kysely";
import type pg from "pg";
import type { WorkContext } from "../../db/progress.ts";
import { reading } from "../../db/reading.ts";
import { UserError } from "../../db/user-error.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { countOf, db } from "../../supabase/functions/_shared/database/query.ts";
import type { FileFacts } from "../storage/parquet-file.ts";
import {
  type ArchivedPart,
  archivedParts,
  type DayTable,
  dayTables,
  deletePart,
  insertPart,
  setRestored,
} from "./archived-days.ts";
import { summariseDayFile, writeDayFile } from "./day-file.ts";
import { checksumOfTable } from "./impression-row.ts";
import { retryingLocks, runExclusively, withLock } from "./locks.ts";
import { firstRetainedDay } from "./retention.ts";
import { type Store, storeAt } from "./store.ts";

export interface ArchiveContext extends WorkContext {
  print(line: string): void;
}

export interface ArchiveOptions {
  /** Where files are written. */
  folder: string;
  store: Store;
  /** Days before this one, YYYY-MM-DD. */
  before: string;
}

/** What was restored stays for so long: reports may be read meanwhile. recsys_engine.purge_impressions() spares it, too. */
const restoredFor = 7 * 86_400_000;

/** Archives all whole days before one, the earliest first, and says so of each. */
export async function archiveDays(context: ArchiveContext, options: ArchiveOptions): Promise<void> {
  await runExclusively(context.database, async () => {
    const { pool } = context.database;
    for (const day of await dayTables(pool)) if (!day.isAttached) await finish(context, options, day);
    const held = await firstRetainedDay(pool);
    let archived = 0;
    for (const each of await dayTables(pool)) {
      if (!each.isAttached || each.day >= options.before) continue;
      context.signal.throwIfAborted();
      if (held && each.day >= held.day) {
        context.print(`days from ${held.day} on stay in the table: ${held.reason}`);
        break;
      }
      archived += Number(await archiveDay(context, options, each));
    }
    context.print(`${archived} ${archived === 1 ? "day was" : "days were"} archived in ${options.store.location}`);
  });
}

async function archiveDay(context: ArchiveContext, options: ArchiveOptions, each: DayTable): Promise<boolean> {
  const { day } = each;
  const earlier = (await archivedParts(context.database.pool)).filter((part) => part.day === day);
  const restored = earlier.filter(({ restoredAt }) => restoredAt !== null);
  if (restored.some(({ restoredAt }) => Number(restoredAt) > Date.now() - restoredFor)) {
    context.print(`${day} was restored, and stays in the table for a week`);
    return false;
  }
  const number = 1 + Math.max(0, ...earlier.map(({ part }) => part));
  const known = restored.length === 1 ? restored[0] : undefined;
  if (known && (await isStill(context, each, known))) await detach(context, each, [], undefined);
  else {
    const part = await exportDay(context, options, each, number);
    if (part === undefined) {
      await dropEmpty(context, each);
      return false;
    }
    // their rows are in the table and in the new file; a second run exports once more
    for (const { location, path } of restored) await (await storeAt(location)).remove(path);
    await detach(context, each, restored, part);
  }
  await finish(context, options, { ...each, isAttached: false });
  return true;
}

/** Whether a restored day is as its file has it, which then stays. */
async function isStill({ database }: ArchiveContext, { table }: DayTable, part: ArchivedPart): Promise<boolean> {
  const found = await summariseTable(database.pool, table);
  if (found.rows !== part.rows || found.checksum !== part.checksum) return false;
  try {
    return await (await storeAt(part.location)).lend(part, async () => true);
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

/** Writes and verifies a day's file; undefined: the day has no rows. */
async function exportDay(
  context: ArchiveContext,
  { folder, store }: ArchiveOptions,
  { day, table }: DayTable,
  number: number,
): Promise<ArchivedPart | undefined> {
  const path = `day=${day}/impressions-${number}.parquet`;
  const file = join(folder, path);
  const written = await reading(context.database, async (client) => {
    // in one order each time, so that an upload which was ended finds its parts again
    await client.query("set local synchronize_seqscans = off; set local max_parallel_workers_per_gather = 0");
    const inTable = await summariseTable(client, table);
    if (inTable.rows === 0) return undefined;
    const facts = await writeDayFile(client, table, file, context);
    return { facts, inTable };
  });
  if (!written) return undefined;
  const { facts, inTable } = written;
  const inFile = await summariseDayFile(file, context);
  if (inFile.rows !== inTable.rows || inFile.checksum !== inTable.checksum)
    throw new UserError(
      `${file} does not hold what the table holds (${inFile.rows} of ${inTable.rows} rows, checksum ${inFile.checksum}, of the table ${inTable.checksum}): ${day} stays in the table. Is the disk sound?`,
    );
  await store.put(file, path, facts);
  return { day, part: number, location: store.location, path, ...inFile, ...sizeOf(facts), restoredAt: null };
}

const sizeOf = ({ bytes, sha256 }: FileFacts) => ({ bytes, sha256 });

/** How many rows a table of a day has, and their checksum. */
async function summariseTable(
  client: Pick<pg.PoolClient, "query">,
  table: string,
): Promise<{ rows: number; checksum: string }> {
  const [summary] = await run(
    client,
    db
      .selectFrom(sql`${sql.raw(table)}`.as("logged"))
      .select([sql<number>`count(*)`.as("rows"), checksumOfTable.as("checksum")]),
  );
  return summary;
}

/** Takes a day out of recsys.impressions, and says where it is, in one transaction. */
async function detach(
  { database, signal }: ArchiveContext,
  { day, table }: DayTable,
  replaced: ArchivedPart[],
  part: ArchivedPart | undefined,
): Promise<void> {
  await retryingLocks(`${day} could not be detached`, signal, () =>
    withLock(database, async (client) => {
      await client.query(`alter table recsys.impressions detach partition ${table}`);
      for (const each of replaced) await deletePart(client, each);
      if (part) await insertPart(client, part);
      else await setRestored(client, day, false);
    }),
  );
}

/** Drops the table of a detached day; where it is not as its file has it, since something came at the last moment, after another export. */
async function finish(context: ArchiveContext, options: ArchiveOptions, { day, table }: DayTable): Promise<void> {
  const { database, signal, print } = context;
  const parts = (await archivedParts(database.pool)).filter((part) => part.day === day);
  const last = parts.at(-1);
  const found = await summariseTable(database.pool, table);
  const isSame = last && found.rows === last.rows && found.checksum === last.checksum;
  const part =
    isSame || found.rows === 0
      ? undefined
      : await exportDay(context, options, { day, table, isAttached: false }, 1 + (last?.part ?? 0));
  await retryingLocks(`${day} could not be dropped`, signal, () =>
    withLock(database, async (client) => {
      if (part) {
        if (last) await deletePart(client, last);
        await insertPart(client, part);
      }
      await client.query(`drop table ${table}`);
    }),
  );
  if (part && last) await (await storeAt(last.location)).remove(last.path);
  const kept = part ?? last;
  if (kept) print(`${day}: ${kept.rows} rows in ${kept.bytes} bytes, ${kept.location}/${kept.path}`);
}

/** A day without rows needs no file. */
async function dropEmpty({ database, signal }: ArchiveContext, { day, table }: DayTable): Promise<void> {
  await retryingLocks(`${day} could not be dropped`, signal, () =>
    withLock(database, async (client) => {
      await client.query(`lock table ${table} in share mode`);
      const [{ count }] = await run(
        client,
        db.selectFrom(sql`${sql.raw(table)}`.as("logged")).select(countOf().as("count")),
      );
      if (count === 0) await client.query(`drop table ${table}`);
    }),
  );
}
