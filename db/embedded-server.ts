// Serves an embedded database: node db/embedded-server.ts FOLDER [--memory DUMP]. Started by db/embedded.ts only.
// Lives as long as the process that started it, and as long as a connection is open.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { PGlite, type PGliteOptions } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import type { ServerMessage } from "./embedded.ts";
import { publishPort, removeOwner, takeFolder } from "./embedded-owner.ts";
import { embeddedServer } from "./embedded-patience.ts";
import { endWithParent } from "./end-with-parent.ts";

const [folder = "", memory, dump] = process.argv.slice(2);
const inMemory = memory === "--memory";

async function report(message: ServerMessage): Promise<void> {
  await new Promise<void>((done) => (process.connected ? process.send?.(message, () => done()) : done()));
}

async function optionsOf(): Promise<PGliteOptions> {
  const extensions = { vector };
  if (!inMemory) return { extensions, dataDir: join(folder, "data") };
  const { pgtap } = await import("@electric-sql/pglite-pgtap");
  const loadDataDir = dump ? { loadDataDir: new Blob([await readFile(dump)]) } : {};
  return { extensions: { ...extensions, pgtap }, dataDir: "memory://", ...loadDataDir };
}

async function serve(): Promise<void> {
  if (inMemory) endWithParent();
  if (!inMemory && !(await takeFolder(folder))) {
    await report({ taken: true });
    return process.exit(0);
  }
  const database = await PGlite.create(await optionsOf());
  // 50 connections queue up; the default is 1
  const server = embeddedServer(database, { maxConnections: 50, patience: inMemory ? 5_000 : undefined });
  await server.start();
  const port = Number(server.getServerConn().split(":").at(-1));
  if (!inMemory) await publishPort(folder, port);

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    if (!inMemory) await publishPort(folder, null);
    await server.stop();
    await database.close();
    if (!inMemory) await removeOwner(folder, process.pid);
    process.exit(0);
  };
  /** Stops when the last connection has closed; gives up after a time. Returns the number of open connections. */
  const stopWhenIdle = async (milliseconds: number): Promise<number> => {
    const deadline = Date.now() + milliseconds;
    while (server.getStats().activeConnections > 0 && Date.now() < deadline) {
      await setTimeout(20);
    }
    const connections = server.getStats().activeConnections;
    if (connections === 0) await stop();
    return connections;
  };
  process.on("SIGINT", () => {});
  // SIGTERM has no handler, so that it ends the process within a statement too; only uncommitted work is lost
  // the last connections may still be closing
  process.on("message", async () => report({ inUse: await stopWhenIdle(300) }));
  process.on("disconnect", () => stopWhenIdle(Number.POSITIVE_INFINITY));
  await report({ port });
  if (!process.connected) await stopWhenIdle(Number.POSITIVE_INFINITY);
}

serve().catch(async (error: unknown) => {
  if (!inMemory) await removeOwner(folder, process.pid);
  await report({ error: error instanceof Error ? error.message : String(error) });
  process.exit(1);
});
