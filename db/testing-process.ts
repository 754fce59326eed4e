/** For tests and benchmarks: servers of their own, each in a temporary folder and on a free port. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { promisify } from "node:util";
import pg from "pg";

/** Neither PostgreSQL nor PgBouncer runs as root: there they run as the user that their packages make. */
export async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = async (flag: string) => Number((await promisify(execFile)("id", [flag, "postgres"])).stdout);
  return { uid: await idOf("-u"), gid: await idOf("-g") };
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Ends a server and removes its folder when what it gives is called, or when this process is gone in whatever way. */
export function removeAtEnd(folder: string, pidFile: string): () => Promise<void> {
  const script = `read -r _; pid=$(head -n 1 "$2" 2>/dev/null); [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null
    while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; done; rm -rf "$1"`;
  // in a group of its own: Ctrl-C in a terminal is for this process
  const remover = spawn("/bin/sh", ["-c", script, "sh", folder, pidFile], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  return async () => {
    const exit = once(remover, "exit");
    remover.stdin.end();
    await exit;
  };
}

/** Whether a database accepts a connection and answers. */
export async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
