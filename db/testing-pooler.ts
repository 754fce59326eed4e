/** For tests and benchmarks: PgBouncer in transaction mode before a database, as Supabase's pooler is. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Scope } from "./testing.ts";
import { answers, freePort, removeAtEnd, serverUser } from "./testing-process.ts";

/** Where Debian's package puts it. */
const program = "/usr/sbin/pgbouncer";

/** Why no pooler can be started here; false when one can. */
export function withoutPooler(): false | string {
  return existsSync(program) ? false : "needs PgBouncer: npm run setup:postgres";
}

/**
 * Starts a pooler that shares so many connections among all of its clients, and returns the URL by which it leads to the same
 * database; it is gone when the scope is over.
 */
export async function startPooler(scope: Scope, databaseUrl: string, connections: number): Promise<string> {
  const database = new URL(databaseUrl);
  const [user, password] = [database.username, database.password].map(decodeURIComponent);
  const folder = await mkdtemp(join(tmpdir(), "recsys-pooler-"));
  const file = (name: string) => join(folder, name);
  const port = await freePort();
  await writeFile(file("users.txt"), `"${user}" "${password}"\n`);
  await writeFile(
    file("pgbouncer.ini"),
    [
      "[databases]",
      `* = host=${database.hostname} port=${database.port || 5432}`,
      "[pgbouncer]",
      "listen_addr = 127.0.0.1",
      `listen_port = ${port}`,
      "unix_socket_dir =",
      "auth_type = scram-sha-256",
      `auth_file = ${file("users.txt")}`,
      `logfile = ${file("log")}`,
      `pidfile = ${file("pid")}`,
      "pool_mode = transaction",
      `default_pool_size = ${connections}`,
      // a database that was away is looked for after a second, and not after 15
      "server_login_retry = 1",
      // what a pooler does for these hides from us that we send none
      "max_prepared_statements = 0",
    ].join("\n"),
  );
  const owner = await serverUser();
  if (owner)
    for (const path of [folder, file("users.txt"), file("pgbouncer.ini")]) await chown(path, owner.uid, owner.gid);
  const pooler = spawn(program, [file("pgbouncer.ini")], { cwd: folder, stdio: "ignore", ...owner });
  const failed = new Promise<never>((_, reject) => pooler.once("error", reject));
  failed.catch(() => undefined);
  scope.after(removeAtEnd(folder, file("pid")));
  database.host = `127.0.0.1:${port}`;
  for (const end = Date.now() + 10_000; !(await Promise.race([answers(database.href), failed])); await setTimeout(20))
    if (pooler.exitCode !== null || Date.now() > end)
      throw new Error(`PgBouncer does not start: ${await readFile(file("log"), "utf8").catch(() => "no log")}`);
  return database.href;
}
