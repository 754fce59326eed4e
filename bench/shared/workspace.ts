/** What a benchmark works with: databases, folders and whatever else it opens; all of it is gone when the scope ends. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import type { Database } from "../../db/connect.ts";
import { importBundle } from "../../db/import/import-bundle.ts";
import { readScoreWeights } from "../../db/settings.ts";
import { type Scope, testDatabase } from "../../db/testing.ts";
import { openPostgresCopy, testServer } from "../../db/testing-postgres.ts";
import { UserError } from "../../db/user-error.ts";
import { prepareVectors, vectorSpecOf } from "../../trainer/data/app-embeddings/prepare-vectors.ts";
import { withVectors } from "../../trainer/data/app-embeddings/read-vectors.ts";
import { communityFromDatabase, type LoadedCommunity } from "../../trainer/data/replay/from-database.ts";
import {
  type SyntheticOptions,
  writeSyntheticCommunity,
} from "../../trainer/data/synthetic/write-synthetic-community.ts";

/** `await using scope = openScope()`: what is told to it is closed when the block ends, the last first. */
export function openScope(): Scope & AsyncDisposable {
  const stack = new AsyncDisposableStack();
  return { after: (close) => void stack.defer(close), [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** The options of the command line by name, each text; those that are left out have these defaults. */
export function commandOptions<Defaults extends Record<string, string | undefined>>(defaults: Defaults): Defaults {
  const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: "string" as const }]));
  return { ...defaults, ...parseArgs({ options }).values };
}

/** The numbers of an option: `1,2,3`. */
export function numbersIn(option: string): number[] {
  return option.split(",").map(Number);
}

/** The server of the tests, for what an embedded database cannot show. */
export async function postgresServer(): Promise<string> {
  const server = await testServer();
  if (!server) throw new UserError("needs a PostgreSQL: npm run setup:postgres, or set TEST_DATABASE_URL");
  return server;
}

/** A migrated database on PostgreSQL. */
export async function openPostgres(scope: Scope, name: string): Promise<Database> {
  const database = await openPostgresCopy(await postgresServer(), name);
  scope.after(() => database.close());
  return database;
}

export async function openFolder(scope: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  scope.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The folder of a bundle that is given; else of a synthetic community, which is written first. */
export async function benchmarkBundle(
  scope: Scope,
  given?: string,
  synthetic: SyntheticOptions = { seed: 1 },
): Promise<string> {
  const folder = given ?? (await openFolder(scope));
  if (given === undefined) await writeSyntheticCommunity(folder, synthetic);
  return folder;
}

/** The community of a bundle, or a synthetic one, as a training reads it; from PostgreSQL where one answers. */
export async function loadCommunity(
  source: string | SyntheticOptions,
): Promise<{ loaded: LoadedCommunity; scoreWeights: number[] }> {
  await using scope = openScope();
  const database = await testDatabase(scope, "bench");
  await importBundle(database, typeof source === "string" ? source : await benchmarkBundle(scope, undefined, source));
  const loaded = await communityFromDatabase(database);
  // of a bundle that has any
  const vectors = await prepareVectors(database.pool, () => {});
  const community = await withVectors(database, loaded.community, vectors && vectorSpecOf(vectors));
  return { loaded: { ...loaded, community }, scoreWeights: await readScoreWeights(database) };
}

/** Runs a benchmark's file once more as a process of its own, whose memory and time are its own; the last line it prints, as JSON. */
export async function inOwnProcess<Result>(file: string, ...args: string[]): Promise<Result> {
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(file), ...args]);
  return JSON.parse(stdout.trim().split("\n").at(-1) as string);
}
