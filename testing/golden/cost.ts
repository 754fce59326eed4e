/** What answers cost: pages that the database and its replica read, and processor time of both and of this process. */
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { type Cluster, childrenOf } from "../../db/testing-cluster.ts";
import { withClient } from "../../db/testing-postgres.ts";
import { processOf, type Replicated } from "../../db/testing-replica.ts";

/** An answer's share. */
export interface AnswerCost {
  /** Pages of the database, whether they were in memory or not. */
  buffers: number;
  /** Milliseconds of a processor. */
  processor: number;
}

/** The cost of work that gives so many answers and closes its connections: PostgreSQL counts what a session did when it ends. */
export async function measure(
  { cluster, replica }: Replicated,
  answers: number,
  work: () => Promise<void>,
): Promise<AnswerCost> {
  const servers = [cluster, replica];
  const read = async () => {
    const ofServers = await Promise.all(
      servers.map(async (server) => [await buffersOf(server), await processorOf(server)]),
    );
    const { user, system } = process.cpuUsage();
    return {
      buffers: ofServers.reduce((sum, [buffers]) => sum + buffers, 0),
      processor: ofServers.reduce((sum, [, processor]) => sum + processor, (user + system) / 1000),
    };
  };
  const before = await read();
  await work();
  await Promise.all(servers.map(untilClosed));
  const after = await read();
  return {
    buffers: Math.round((after.buffers - before.buffers) / answers),
    processor: (after.processor - before.processor) / answers,
  };
}

/** A session's counts are complete when it is gone. */
async function untilClosed({ url }: Cluster): Promise<void> {
  await withClient(url, async (client) => {
    const open = "select from pg_stat_activity where application_name = 'recsys'";
    for (const end = Date.now() + 10_000; (await client.query(open)).rowCount; await setTimeout(20))
      if (Date.now() > end) throw new Error("a session of the feeds does not end");
  });
}

async function buffersOf({ url }: Cluster): Promise<number> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query(
      "select blks_hit + blks_read as buffers from pg_stat_database where datname = current_database()",
    );
    return Number(rows[0].buffers);
  });
}

/** Milliseconds of a server's processes, those that have ended included: 100 ticks are a second. */
async function processorOf(server: Cluster): Promise<number> {
  const postmaster = await processOf(server);
  const ticksOf = async (pid: number, fields: number[]) => {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    // what follows the program's name in brackets is the third field and those behind it
    const values = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields.reduce((sum, field) => sum + Number(values[field - 3] ?? 0), 0);
  };
  const ofChildren = await Promise.all((await childrenOf(postmaster)).map((pid) => ticksOf(pid, [14, 15])));
  return 10 * ofChildren.reduce((sum, ticks) => sum + ticks, await ticksOf(postmaster, [14, 15, 16, 17]));
}
