/** What all commands share: a database that is opened and closed around the work, progress bars, a clean stop. */
import { type Database, openDatabase } from "../../db/connect.ts";
import { foreignTables, hasExampleApp, someOf } from "../../db/foreign-tables.ts";
import { migrate } from "../../db/migrate.ts";
import type { Migration } from "../../db/migration-files.ts";
import type { WorkContext } from "../../db/progress.ts";
import { UserError } from "../../db/user-error.ts";
import { call, run } from "../../supabase/functions/_shared/database/database.ts";
import { versionMismatch } from "../../supabase/functions/_shared/http/schema-version.ts";
import { progressBars } from "./progress-bar.ts";

export interface DatabaseOption {
  database?: string;
}

/** Its signal aborts at the first Ctrl-C; the second one ends the process at once. */
export interface CommandContext extends WorkContext {
  /** Prints a line of result on standard output. */
  print(line: string): void;
}

export interface DatabaseUse {
  /** Whether the migrations are applied to a PostgreSQL too; to the embedded database they always are. */
  migrates?: boolean;
  folder?: string;
  /** Applied to a new embedded database in place of all of this checkout: without those of the example app, for the tables of another one. */
  migrations?: Migration[];
}

/** Runs a command's work with an open, migrated database, and closes it whatever happens. */
export async function inDatabase<T>(
  { database: url }: DatabaseOption,
  options: DatabaseUse,
  work: (context: CommandContext) => Promise<T>,
): Promise<T> {
  const bars = progressBars();
  const stopping = new AbortController();
  const onInterrupt = () => {
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort(
      new UserError("stopped: nothing half done was kept; a second start continues after the last finished step"),
    );
  };
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", onInterrupt);
  const print = (line: string) => {
    bars.stop();
    console.log(line);
  };
  const database = await openDatabase({ url, folder: options.folder });
  try {
    const migrates = (url === undefined || options.migrates) && (await isOurs(database));
    const { migrations } = options;
    if (migrates) await migrate(database, { onProgress: bars.onProgress, ...(migrations && { migrations }) });
    else await requireSchema(database);
    return await work({ database, onProgress: bars.onProgress, signal: stopping.signal, print });
  } finally {
    bars.stop();
    await database.close();
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  }
}

/**
 * Whether the migrations are ours to apply. Where an app has installed the engine next to its own tables, that is its own
 * affair; where it has not, the migrations would put the example app's tables there unasked.
 */
async function isOurs(database: Database): Promise<boolean> {
  if (await hasExampleApp(database)) return true;
  if (await hasSchema(database)) return false;
  const tables = await foreignTables(database);
  if (tables.length > 0)
    throw new UserError(
      `this database holds the tables of an app (${someOf(tables)}), and nothing was changed: install the engine next to them with \`npx --no-install recsys init --into APP\` (docs/adopting.md), or name an empty database`,
    );
  return true;
}

/** Whether the engine is installed there, of whatever version. */
export async function hasSchema({ pool }: Pick<Database, "pool">): Promise<boolean> {
  const { rowCount } = await pool.query("select from pg_namespace where nspname = 'recsys'");
  return rowCount === 1;
}

async function requireSchema(database: Database): Promise<void> {
  if (!(await hasSchema(database)))
    throw new UserError(
      "this database has no schema recsys: run `supabase db push`, or `npx --no-install recsys import` which applies the migrations",
    );
  await requireVersion(database);
}

/** Throws a `UserError` where the schema is of another version than this command: asked at the start, and by a worker before each job. */
export async function requireVersion(database: Pick<Database, "pool">): Promise<void> {
  const found = await versionOfSchema(database);
  const problem = versionMismatch(found, "this command is", `install the package of ${found} (docs/upgrading.md)`);
  if (problem) throw new UserError(problem);
}

/** What recsys.version() says; "of no version" where a schema has no such function. */
export async function versionOfSchema({ pool }: Pick<Database, "pool">): Promise<string> {
  const { rows: found } = await pool.query("select to_regprocedure('recsys.version()') is not null as has_version");
  if (!found[0].has_version) return "of no version";
  return (await run(pool, call("recsys.version", {})))[0].version;
}
