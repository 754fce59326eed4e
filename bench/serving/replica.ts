/**
 * What a feed costs the primary with a streaming replica, and without one. Both are clusters of their own, with PgBouncer before each; clients, functions,
 * primary and replica share the machine.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Scope } from "../../db/testing.ts";
import { testCluster, withoutCluster } from "../../db/testing-cluster.ts";
import { startPooler } from "../../db/testing-pooler.ts";
import { processOf, startReplica } from "../../db/testing-replica.ts";
import { UserError } from "../../db/user-error.ts";
import { makeUpCommunity } from "./community.ts";
import type { Finding } from "./figure.ts";
import { pooledConnections, untilTime } from "./pooler.ts";
import { withReaders } from "./readers.ts";

interface ReplicaOptions {
  posts: number;
  requests: number;
  seconds: number;
  folder: string;
}

export async function measureReplica(
  scope: Scope,
  { posts, requests, seconds, folder }: ReplicaOptions,
): Promise<Finding> {
  const without = await withoutCluster();
  if (without) throw new UserError(without);
  const cluster = await testCluster(scope);
  const { database, users } = await makeUpCommunity(cluster.url, posts);
  scope.after(() => database.close());
  await database.pool.query("vacuum analyze");
  const replica = await startReplica(scope, cluster);
  const atReplica = new URL(database.url);
  atReplica.host = new URL(replica.url).host;
  const url = await startPooler(scope, database.url, pooledConnections);
  const readUrl = await startPooler(scope, atReplica.href, pooledConnections);
  const process = await processOf(cluster);
  const measure = (read?: string) =>
    withReaders(
      url,
      users,
      folder,
      async ({ ask }) => {
        const before = processorTimeOf(process);
        for (let i = 0; i < requests; i++) await ask(i);
        // what is written after the answers
        await new Promise((later) => setTimeout(later, 1000));
        const processor = (processorTimeOf(process) - before) / requests;
        return { processor, ...(await untilTime(seconds, () => ask)) };
      },
      read,
    );
  const alone = await measure();
  const both = await measure(readUrl);
  return {
    figures: [
      {
        what: "processor time of the primary for a feed, with one replica",
        value: both.processor,
        unit: "ms",
        floor: { what: "without", value: alone.processor },
        bar: { of: "ratio", must: "be at most", limit: 0.4 },
      },
      {
        what: `feeds a second, 16 clients for ${seconds} s, with one replica on the same machine`,
        value: both.perSecond,
        unit: "1/s",
        floor: { what: "without", value: alone.perSecond },
      },
    ],
    details: {
      "median, ms": both.times.median,
      "median without, ms": alone.times.median,
      errors: both.errors.length,
      "errors without": alone.errors.length,
    },
  };
}

/** Processor time so far of a server and all of its processes, those that have ended too, in milliseconds, in steps of 10. */
function processorTimeOf(server: number): number {
  const fieldsOf = (process: string) => {
    const stat = readFileSync(`/proc/${process}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  };
  const sum = (fields: string[], ...of: number[]) => of.reduce((total, field) => total + Number(fields[field]), 0);
  let ticks = sum(fieldsOf(String(server)), 11, 12, 13, 14);
  for (const process of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    try {
      const fields = fieldsOf(process);
      if (fields[1] === String(server)) ticks += sum(fields, 11, 12);
    } catch {
      // it ended meanwhile, and is among those of the server
    }
  return 10 * ticks;
}
