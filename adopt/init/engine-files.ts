/** What of this checkout goes into an app's own supabase folder: everything but the example app and what is only for development. */
import { cp, mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Migration, readMigrations } from "../../db/migration-files.ts";

/** Tables, views and triggers of the example app, and the function `events`, which writes into them. */
const exampleApp = new Set(["app_tables", "mutes", "sources 000300", "events", "watch_app_tables"]);

/** The functions that an app with tables of its own is served by, with what `supabase functions deploy` needs to know. */
export const servedFunctions = ["recommend", "similar", "ideas", "embed"];

const answerTypes = fileURLToPath(new URL("../../client/src/types.ts", import.meta.url));
const functionsFolder = fileURLToPath(new URL("../../supabase/functions/", import.meta.url));

/** A migration of the engine under the name by which a later `init` finds it again. */
interface EngineMigration extends Migration {
  /** Such as `000960_sources`: its number in this checkout and its name. */
  key: string;
}

/** Those that an app needs, in their order. */
export async function engineMigrations(): Promise<EngineMigration[]> {
  const all = await readMigrations();
  return all
    .map((migration) => ({ ...migration, key: `${migration.version.slice(-6)}_${migration.name}` }))
    .filter(({ name, version }) => !exampleApp.has(name) && !exampleApp.has(`${name} ${version.slice(-6)}`));
}

/** Writes the functions' code into a folder that holds nothing else; what was there of an earlier version goes. */
export async function copyFunctions(into: string): Promise<void> {
  await rm(into, { recursive: true, force: true });
  await mkdir(into, { recursive: true });
  for (const part of ["_shared", "_deno", ...servedFunctions, "import_map.json"])
    await cp(join(functionsFolder, part), join(into, part), { recursive: true, filter: isServed });
  // for the app's pages: what a function takes and answers
  await cp(answerTypes, join(into, "types.ts"));
}

/** Tests and what only they use stay here. */
function isServed(path: string): boolean {
  const name = basename(path);
  return !/\.test\.ts$|^testing/.test(name);
}
