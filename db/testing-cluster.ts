import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { connect, type Database } from "./connect.ts";
import { migrate } from "./migrate.ts";
import type { Scope } from "./testing.ts";

const run = promisify(execFile);
const binaries = "/usr/lib/postgresql/17/bin";

/** Why there is no PostgreSQL 17 with pg_cron to start a cluster of; false when there is. */
export function withoutCluster(): false | string {
  const present = existsSync(join(binaries, "initdb")) && existsSync(join(binaries, "../lib/pg_cron.so"));
  return present ? false : "needs PostgreSQL 17 and pg_cron of Debian: npm run setup:postgres";
}

/** A cluster of its own, whose pg_cron runs jobs in the migrated database: pg_cron's is one of a cluster. Gone when the scope is over. */
export async function cronDatabase(scope: Scope): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), "recsys-cluster-"));
  const port = await freePort();
  const data = join(folder, "data");
  // PostgreSQL does not run as root
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    const { stdout } = await run("id", ["-u", "postgres"]);
    await chown(folder, Number(stdout), Number((await run("id", ["-g", "postgres"])).stdout));
  }
  const postgres = (program: string, ...args: string[]) => {
    const command = join(binaries, program);
    return isRoot
      ? run("runuser", ["-u", "postgres", "--", command, ...args], { cwd: folder })
      : run(command, args, { cwd: folder });
  };
  await postgres("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync");
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: folder,
    fsync: "off",
    shared_preload_libraries: "pg_cron",
    "cron.database_name": "postgres",
    "cron.use_background_workers": "on",
  };
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  scope.after(async () => {
    await postgres("pg_ctl", "-D", data, "-m", "immediate", "stop").catch(() => {});
    await rm(folder, { recursive: true, force: true });
  });
  await postgres("pg_ctl", "-D", data, "-w", "-l", join(folder, "log"), "-o", options.join(" "), "start");
  const database = await connect(`postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable`, { embedded: false });
  scope.after(() => database.close());
  await migrate(database);
  return database;
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}
