/** For tests and benchmarks: a streaming replica of a cluster, made with pg_basebackup, on a free port. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { kill } from "node:process";
import { setTimeout } from "node:timers/promises";
import { connect, type Database } from "./connect.ts";
import { migrate } from "./migrate.ts";
import type { Scope } from "./testing.ts";
import { type Cluster, childrenOf, madeCluster, programs, testCluster } from "./testing-cluster.ts";
import { startPooler, withoutPooler } from "./testing-pooler.ts";
import { withClient } from "./testing-postgres.ts";

export interface TestReplica extends Cluster {
  /** It receives what the primary writes and shows none of it, until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Waits until it shows all that the primary has written by now. */
  caughtUp(): Promise<void>;
  /** Changes a setting of the server's. */
  set(name: string, value: string): Promise<void>;
  /** It and its sessions do nothing, and say nothing, until `thaw`. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Makes it a primary of its own. */
  promote(): Promise<void>;
}

/** A replica of a cluster, of any database in it: `database` of the URL that is given leads to the same of the replica. */
export async function startReplica(scope: Scope, primary: Cluster): Promise<TestReplica> {
  const replica = await madeCluster(scope, (data) => [
    `${programs}/pg_basebackup`,
    // with what makes it a replica: standby.signal and the address of the primary
    ["-D", data, "-d", primary.url, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"],
  ]);
  const signal = async (name: "SIGSTOP" | "SIGCONT") => {
    const process = await processOf(replica);
    for (const each of [process, ...(await childrenOf(process))]) kill(each, name);
  };
  scope.after(() => signal("SIGCONT").catch(() => undefined));
  const ask = async (sql: string, url = replica.url) => (await withClient(url, (client) => client.query(sql))).rows;
  return {
    ...replica,
    async pause() {
      await ask("select pg_wal_replay_pause()");
      // it is asked for, and holds between two records
      while ((await ask("select pg_get_wal_replay_pause_state() as state"))[0].state !== "paused") await setTimeout(10);
    },
    async resume() {
      await ask("select pg_wal_replay_resume()");
    },
    async caughtUp() {
      const [{ written }] = await ask("select pg_current_wal_lsn()::text as written", primary.url);
      const asked = `select pg_last_wal_replay_lsn() >= '${written}' as has`;
      for (const end = Date.now() + 30_000; !(await ask(asked))[0].has; await setTimeout(5))
        if (Date.now() > end) throw new Error("the replica does not catch up");
    },
    async set(name, value) {
      await ask(`alter system set ${name} = '${value}'`);
      await ask("select pg_reload_conf()");
    },
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    async promote() {
      await ask("select pg_promote()");
    },
  };
}

/** A cluster with the migrated database, a replica of it, and PgBouncer before both, where there is one. */
export interface Replicated {
  database: Database;
  cluster: Cluster;
  replica: TestReplica;
  /** The way of the functions to either. */
  url: string;
  readUrl: string;
}

/** Makes them; all are gone when the scope is over. */
export async function replicatedDatabase(scope: Scope): Promise<Replicated> {
  const cluster = await testCluster(scope);
  const database = await connect(`${cluster.url}?sslmode=disable`, { embedded: false });
  scope.after(() => database.close());
  // no plan is compiled, as in other databases of tests
  await database.pool.query("alter database postgres set jit = off");
  await migrate(database);
  // what happens is the tests' doing
  await database.pool.query("select cron.unschedule(jobid) from cron.job");
  const replica = await startReplica(scope, cluster);
  const pooled = (url: string) => (withoutPooler() ? url : startPooler(scope, url, 15));
  return { database, cluster, replica, url: await pooled(cluster.url), readUrl: await pooled(replica.url) };
}

/** The process of a running cluster. */
export async function processOf({ data }: Cluster): Promise<number> {
  return Number((await readFile(join(data, "postmaster.pid"), "utf8")).split("\n", 1)[0]);
}
