/** For tests that kill a PostgreSQL: one of their own, with pg_cron, in a temporary folder and on a free port. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { appendFile, chown, mkdtemp, readFile, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { connect, type Database } from "./connect.ts";
import { migrate } from "./migrate.ts";
import { type Scope, withoutPostgres } from "./testing.ts";
import { answers, freePort, removeAtEnd, serverUser } from "./testing-process.ts";

/** Where Debian and the packages of `npm run setup:postgres` put PostgreSQL 17. */
export const programs = "/usr/lib/postgresql/17/bin";
const extensions = "/usr/share/postgresql/17/extension";

/** Why no cluster can be made here; false when one can. */
export async function withoutCluster(): Promise<false | string> {
  const without = await withoutPostgres();
  if (without) return without;
  const needed = [`${programs}/initdb`, ...["vector", "pg_cron"].map((name) => `${extensions}/${name}.control`)];
  return needed.every(existsSync) ? false : "needs the programs of PostgreSQL 17 and pg_cron: npm run setup:postgres";
}

/** A server of PostgreSQL in a folder of its own. */
export interface Cluster {
  url: string;
  /** Where its data are; the first line of postmaster.pid there is its process. */
  data: string;
  /**
   * Ends the server without any order and starts it again: SIGQUIT is what `pg_ctl stop -m immediate` sends, SIGKILL goes to
   * each of its processes, as when the machine loses its power.
   */
  crash(signal: "SIGQUIT" | "SIGKILL"): Promise<void>;
  /** Ends it without any order. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Makes a cluster and starts it; it is gone when the scope is over. pg_cron works in its database `postgres`. */
export async function testCluster(scope: Scope): Promise<Cluster> {
  return await madeCluster(scope, (data) => [
    `${programs}/initdb`,
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"],
  ]);
}

/** Starts a cluster whose folder of data a program makes. */
export async function madeCluster(
  scope: Scope,
  programFor: (data: string) => [program: string, args: string[]],
): Promise<Cluster> {
  const folder = await mkdtemp(join(await placeOfClusters(), "recsys-cluster-"));
  const data = join(folder, "data");
  const log = join(folder, "log");
  const port = await freePort();
  // which it does not ask for, and a pooler before it does
  const url = `postgres://postgres:postgres@127.0.0.1:${port}/postgres`;
  const owner = await serverUser();
  if (owner) await chown(folder, owner.uid, owner.gid);
  let server: ChildProcess | undefined;
  scope.after(removeAtEnd(folder, join(data, "postmaster.pid")));
  const run = { cwd: folder, ...owner };
  await promisify(execFile)(...programFor(data), run);
  // of two lines for one setting the last holds
  await appendFile(
    join(data, "postgresql.conf"),
    [
      `port = ${port}`,
      "listen_addresses = '127.0.0.1'",
      "unix_socket_directories = ''",
      "shared_preload_libraries = 'pg_cron'",
      "cron.database_name = 'postgres'",
      "cron.use_background_workers = on",
      "max_worker_processes = 20",
      // what a killed process wrote is the operating system's already; with it, each recovery takes 4 s on a busy disk
      "fsync = off",
    ]
      .map((line) => `${line}\n`)
      .join(""),
  );
  const start = async () => {
    // the last process of the old one may take a moment to be gone; until then a new one refuses to start
    for (const end = Date.now() + 60_000; ; await setTimeout(100)) {
      server = spawn("/bin/sh", ["-c", `exec ${programs}/postgres -D '${data}' >>'${log}' 2>&1`], {
        ...run,
        stdio: "ignore",
      });
      if (await starts(url, server)) return;
      if (Date.now() > end) throw new Error(`the server does not start: ${(await readFile(log, "utf8")).slice(-2000)}`);
    }
  };
  const stop = async (signal: "SIGQUIT" | "SIGKILL" = "SIGQUIT") => {
    if (server) await ended(server, signal);
  };
  await start();
  return {
    url,
    data,
    async crash(signal) {
      await stop(signal);
      await start();
    },
    stop: () => stop(),
    start,
  };
}

/** The migrated database of a cluster of its own, where pg_cron runs the jobs of the migrations: its database is one of a cluster. */
export async function cronDatabase(scope: Scope): Promise<Database> {
  const { url } = await testCluster(scope);
  const database = await connect(`${url}?sslmode=disable`, { embedded: false });
  scope.after(() => database.close());
  await migrate(database);
  return database;
}

/** In memory where there is room: on ext4 the many files of a cluster cost more of a processor than what is done with it. */
async function placeOfClusters(): Promise<string> {
  const memory = "/dev/shm";
  const { bavail, bsize } = await statfs(memory).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize > 4e9 ? memory : tmpdir();
}

async function ended(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, "exit");
  // a session that waits in the wrong place never notices that the postmaster is gone: such a one was there after a minute
  const others = signal === "SIGKILL" ? await childrenOf(server.pid as number) : [];
  server.kill(signal);
  for (const pid of others) {
    try {
      process.kill(pid, signal);
    } catch {
      // gone already
    }
  }
  await exit;
}

/** The processes that a process has started. */
export async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "pid=", "--ppid", `${pid}`]);
  return [...stdout.matchAll(/\d+/g)].map(Number);
}

/** Waits until the server accepts a connection; false when it has ended instead. */
async function starts(url: string, server: ChildProcess): Promise<boolean> {
  for (const end = Date.now() + 60_000; Date.now() < end; await setTimeout(20)) {
    if (server.exitCode !== null || server.signalCode !== null) return false;
    if (await answers(url)) return true;
  }
  return false;
}
