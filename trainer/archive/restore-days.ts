/** Archived days back into the table, for reports that reach so far. */
import type pg from "pg";
import { UserError } from "../../db/user-error.ts";
import { call, run } from "../../supabase/functions/_shared/database/database.ts";
import type { ArchiveContext } from "./archive-days.ts";
import { type ArchivedPart, archivedParts, dayAfter, setRestored } from "./archived-days.ts";
import { readDayFile } from "./day-file.ts";
import { encodeRow, impressionColumnNames, RowChecksum } from "./impression-row.ts";
import { insertArchivedRows } from "./insert-rows.ts";
import { retryingLocks, runExclusively, withLock } from "./locks.ts";
import { storeAt } from "./store.ts";

/** Restores the archived days from one to another, both included; throws a `UserError` where none of them is archived. */
export async function restoreDays(context: ArchiveContext, from: string, to: string): Promise<void> {
  const { database, signal, print } = context;
  await runExclusively(database, async () => {
    const all = (await archivedParts(database.pool)).filter(({ day }) => day >= from && day <= to);
    if (all.length === 0)
      throw new UserError(`no day from ${from} to ${to} is archived: select * from recsys_engine.archived_days`);
    for (const day of new Set(all.map((part) => part.day))) {
      const parts = all.filter((part) => part.day === day);
      if (parts.every(({ restoredAt }) => restoredAt !== null)) {
        print(`${day} is in the table already`);
        continue;
      }
      signal.throwIfAborted();
      const rows = await retryingLocks(`${day} could not be restored`, signal, () =>
        withLock(database, (client) => restoreDay(client, context, day, parts)),
      );
      const archived = parts.reduce((sum, part) => sum + part.rows, 0);
      const left = archived - rows;
      print(
        `${day}: ${rows} rows${left > 0 ? `, without ${left} of users and posts that are gone or want no personalisation` : ""}`,
      );
    }
  });
}

async function restoreDay(
  client: pg.PoolClient,
  context: ArchiveContext,
  day: string,
  parts: ArchivedPart[],
): Promise<number> {
  const [first, next] = [`${day}T00:00:00Z`, `${dayAfter(day)}T00:00:00Z`];
  const { rowCount: covered } = await client.query(
    "select from recsys_engine.impression_partitions where is_attached and first <= $1 and next >= $2",
    [first, next],
  );
  const name = `impressions_${day.replaceAll("-", "_")}`;
  // where later rows of the day have made it a partition again, the others are added to it
  if (covered === 0) await client.query(`create table recsys_engine.${name} (like recsys.impressions including all)`);
  const table = covered === 0 ? `recsys_engine.${name}` : "recsys.impressions";
  let rows = 0;
  for (const part of parts) rows += await restorePart(client, context, part, table);
  if (covered === 0)
    await run(
      client,
      call("recsys_engine.attach_impressions", { p_name: name, p_first: new Date(first), p_next: new Date(next) }),
    );
  await setRestored(client, day, true);
  return rows;
}

/** Throws a `UserError` where the rows of a file are not those that were archived. */
async function restorePart(
  client: pg.PoolClient,
  { onProgress, signal }: ArchiveContext,
  part: ArchivedPart,
  table: string,
): Promise<number> {
  return await (await storeAt(part.location)).lend(part, async (file) => {
    const sum = new RowChecksum();
    let inserted = 0;
    for await (const group of readDayFile(file)) {
      signal.throwIfAborted();
      for (const row of group) sum.add(encodeRow(impressionColumnNames.map((name) => row[name])));
      inserted += await insertArchivedRows(client, table, impressionColumnNames, group);
      onProgress({ step: `restore of ${part.day}`, done: sum.rows, total: part.rows });
    }
    if (sum.rows !== part.rows || sum.value !== part.checksum)
      throw new UserError(`${file} does not hold the rows that were archived of ${part.day}`);
    return inserted;
  });
}
