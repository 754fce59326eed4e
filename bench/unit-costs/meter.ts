/** What some work cost a database: the processor time of its sessions, and the pages they found in the shared buffers or read into them. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { Database } from "../../db/connect.ts";
import { processorTime } from "../shared/times.ts";

/** Of one of the things that were done. */
export interface Cost {
  /** Milliseconds. */
  processor: number;
  /** Pages of 8 kB. */
  found: number;
  read: number;
}

/** Runs work that does `count` of something, and waits until what comes after it is written. */
export async function costOf({ pool }: Database, count: number, work: () => Promise<void>): Promise<Cost> {
  const { rows } = await pool.query("select current_database() as name");
  const pages = async () => {
    // a session that has nothing to do tells its figures after ten seconds
    await setTimeout(11_000);
    const { rows } = await pool.query(
      "select blks_hit::float8 as found, blks_read::float8 as read from pg_stat_database where datname = current_database()",
    );
    return rows[0];
  };
  const before = await pages();
  const busy = sessionsOf(rows[0].name);
  await work();
  await setTimeout(1_500);
  const after = sessionsOf(rows[0].name);
  let processor = 0;
  for (const [session, time] of after) processor += time - (busy.get(session) ?? 0);
  const { found, read } = await pages();
  return {
    processor: rounded(processor / count),
    found: rounded((found - before.found) / count),
    read: rounded((read - before.read) / count),
  };
}

/** Three digits. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** The processor time so far of each session in a database, in milliseconds; its title names the database. */
function sessionsOf(database: string): Map<string, number> {
  const sessions = new Map<string, number>();
  for (const process of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    try {
      const title = readFileSync(`/proc/${process}/cmdline`, "utf8");
      if (title.startsWith("postgres:") && title.includes(` ${database} `))
        sessions.set(process, processorTime(Number(process)));
    } catch {
      // it ended meanwhile
    }
  return sessions;
}
