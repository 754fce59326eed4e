import { execFile } from "node:child_process";
import { access, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import type pg from "pg";
import { connect, type Database } from "./connect.ts";
import { type EmbeddedReference, startServer } from "./embedded.ts";
import { embeddedServer } from "./embedded-patience.ts";
import { migrate } from "./migrate.ts";
import { templateDigest } from "./template-digest.ts";
import { type InitialState, readInitialState, resetDatabase } from "./testing-reset.ts";
import { UserError } from "./user-error.ts";

const cache = fileURLToPath(new URL("../.recsys/", import.meta.url));

/**
 * An option of Node. A database of one test file does not live long enough for what it costs to optimize its code: a fifth to a third of its
 * processor's time; of that which makes the dump half.
 */
const optimizesNothing = "--liftoff-only";

/** The servers of this process whose databases are as they were migrated. */
const unused: EmbeddedReference[] = [];
let initialState: Promise<InitialState> | undefined;

/**
 * Opens a migrated embedded database in memory. Closing it resets it for the next test file of this process, which
 * takes 0.1 s. A new one takes 1 s, from a dump that the first call makes.
 */
export async function openEmbeddedCopy(): Promise<Database> {
  const server = unused.pop() ?? (await startCopy());
  return await connect(server.url, { embedded: true, release: () => putBack(server) });
}

async function startCopy(): Promise<EmbeddedReference> {
  const server = await startServer(["memory", "--memory", await findOrMakeDump()], [optimizesNothing]);
  if (!server) throw new UserError("An embedded database in memory cannot be taken by others.");
  initialState ??= withPool(server, readInitialState);
  await initialState;
  return server;
}

async function putBack(server: EmbeddedReference): Promise<void> {
  const initial = await initialState;
  const isReset = initial && (await withPool(server, (pool) => resetDatabase(pool, initial)).catch(() => false));
  if (isReset) unused.push(server);
  else await server.release();
}

async function withPool<T>({ url }: EmbeddedReference, body: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const { pool, close } = await connect(url, { embedded: true });
  return await body(pool).finally(close);
}

/** Makes the dump where it is missing, and returns its path. Test runners call it before many files need it at the same time. */
export async function findOrMakeDump(): Promise<string> {
  const name = `test-template-${await templateDigest()}.tar`;
  const path = join(cache, name);
  if (await exists(path)) return path;
  await mkdir(cache, { recursive: true });
  for (const file of await readdir(cache)) {
    // those of earlier migrations
    if (file.startsWith("test-template-") && file !== name) await rm(join(cache, file), { force: true });
  }
  const unfinished = `${path}.${process.pid}`;
  await promisify(execFile)(process.execPath, [optimizesNothing, fileURLToPath(import.meta.url), unfinished]);
  await rename(unfinished, path);
  return path;
}

if (import.meta.main) {
  // not compressed: a gzip of it takes 0.4 s longer to load
  const dump = await makeDump();
  await writeFile(process.argv[2], Buffer.from(await dump.arrayBuffer()));
}

async function makeDump(): Promise<Blob> {
  const pglite = await PGlite.create({ dataDir: "memory://", extensions: { vector } });
  const server = embeddedServer(pglite, { maxConnections: 8 });
  await server.start();
  const url = `postgres://postgres:postgres@${server.getServerConn()}/postgres?sslmode=disable`;
  const database = await connect(url, { embedded: true });
  await migrate(database);
  await database.close();
  await server.stop();
  const dump = await pglite.dumpDataDir("none");
  await pglite.close();
  return dump;
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
