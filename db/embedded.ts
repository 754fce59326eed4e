import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { connect as connectSocket } from "node:net";
import { extname, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isAlive, readOwner, removeOwner } from "./embedded-owner.ts";
import { UserError } from "./user-error.ts";

/**
 * A reference to an embedded database that some process serves.
 *
 * PGlite is one PostgreSQL session that all connections share, statement by statement and transaction by transaction:
 * - a transaction makes all other connections wait, so never await another connection inside of one (in tests the other
 *   connection ends with an error after 5 seconds, elsewhere it waits for ever);
 * - session state is shared: use `set local` and `set_config(…, true)`, unnamed prepared statements, transaction-level
 *   advisory locks (session-level ones lock no session out), no temporary tables;
 * - SQL cursors work in a transaction; COPY from or to the client and LISTEN do not; cancelling a query has no effect.
 * The same rules, but for the first, hold for the transaction pooler of a Supabase project.
 */
export interface EmbeddedReference {
  url: string;
  /** Stops the server, unless other processes are connected to it: then it stops when the last of them leaves. */
  release(): Promise<void>;
}

/** What db/embedded-server.ts reports to the process that started it. */
export type ServerMessage = { port: number } | { error: string } | { taken: true } | { inUse: number };

/** Opens the embedded database in a folder, or joins the process that has it open. The first time takes some 5 seconds. */
export async function openEmbedded(folder: string): Promise<EmbeddedReference> {
  const absolute = resolve(folder);
  await mkdir(absolute, { recursive: true }).catch((error: Error) => {
    throw new UserError(`Cannot create the folder ${absolute} for the embedded database: ${error.message}`);
  });
  const deadline = Date.now() + 60_000;
  for (let refused = 0; Date.now() < deadline; await setTimeout(100)) {
    const owner = await readOwner(absolute);
    if (!owner) {
      const started = await startServer([absolute]);
      if (started) return started;
    } else if (!isAlive(owner.pid)) {
      await removeOwner(absolute, owner.pid);
    } else if (owner.port !== null) {
      if (await answers(owner.port)) return { url: urlOf(owner.port), release: async () => {} };
      // the number of a process that died may meanwhile be another program's
      refused += 1;
      if (refused > 20) await removeOwner(absolute, owner.pid);
    }
  }
  throw new UserError(`Another process keeps the embedded database ${absolute} busy. End it and try again.`);
}

/** Starts db/embedded-server.ts with these arguments, and Node's options; undefined when another process was faster to take the folder. */
export async function startServer(args: string[], options: string[] = []): Promise<EmbeddedReference | undefined> {
  // in the package it is compiled, as this file is
  const program = fileURLToPath(new URL(`./embedded-server${extname(import.meta.url)}`, import.meta.url));
  // A process of its own: long statements do not stop this one's event loop, and the database closes in order even when
  // this one is killed. Its own process group: Ctrl-C in a terminal is for this process, which then releases it.
  const child = spawn(process.execPath, [...options, program, ...args], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    detached: true,
  });
  const exited = new Promise<void>((done) => child.once("exit", () => done()));
  const message = await new Promise<ServerMessage>((done) => {
    child.once("message", (received) => done(received as ServerMessage));
    child.once("error", (error) => done({ error: error.message }));
    child.once("exit", (status, signal) => done({ error: `its process ended with ${signal ?? status}` }));
  });
  if ("taken" in message) return undefined;
  if (!("port" in message)) {
    const reason = "error" in message ? message.error : "no port";
    throw new UserError(
      `The embedded database in ${args[0]} does not start: ${reason}. Move the folder away to begin from scratch.`,
    );
  }
  // this process may end without a release; the server notices
  child.unref();
  child.channel?.unref();
  const release = async () => {
    if (!child.connected) return;
    child.ref();
    const kept = new Promise<void>((done) => child.once("message", () => done()));
    child.send("release", () => {});
    await Promise.race([exited, kept]);
    if (child.connected) child.disconnect();
    child.unref();
  };
  return { url: urlOf(message.port), release };
}

function urlOf(port: number): string {
  return `postgres://postgres:postgres@127.0.0.1:${port}/postgres?sslmode=disable`;
}

async function answers(port: number): Promise<boolean> {
  const socket = connectSocket({ host: "127.0.0.1", port, timeout: 1000 });
  socket.once("timeout", () => socket.destroy(new Error("no answer")));
  const connected = once(socket, "connect").then(
    () => true,
    () => false,
  );
  return await connected.finally(() => socket.destroy());
}
