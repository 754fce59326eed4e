/**
 * Puts the recommender into the supabase folder of an app: its migrations behind the app's own, a migration for the team to fill, the
 * functions in a folder that is theirs alone, and their stanza of config.toml. Done again with a later checkout it upgrades: what is new comes
 * behind the app's last migration, and what the team filled is kept.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../db/user-error.ts";
import { withStanza } from "./config-stanza.ts";
import { copyFunctions, engineMigrations, servedFunctions } from "./engine-files.ts";
import { versionsAfter } from "./versions.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const template = new URL("sources.sql", import.meta.url);

export interface InitReport {
  /** Files of migrations that were written, by name. */
  added: string[];
  /** Migrations that an earlier `init` wrote and that were edited since, and written again. */
  changed: string[];
  /** Migrations of an earlier `init` that the engine no longer has; they stay. */
  left: string[];
  /** The migration that is the team's to fill. */
  sources: string;
  upgraded: boolean;
}

/**
 * Writes into `folder`/supabase; `draft`: the team's migration to begin with, in place of one to fill. Everything is looked at before anything is
 * written. Throws a `UserError` where something is in the way.
 */
export async function init(folder: string, now = new Date(), draft?: string): Promise<InitReport> {
  const supabase = join(resolve(folder), "supabase");
  if (supabase === join(resolve(root), "supabase"))
    throw new UserError("this is the recommender's own folder: name your app's with --into FOLDER");
  const config = join(supabase, "config.toml");
  if (!existsSync(config))
    throw new UserError(
      `${config} is not there: name the folder of your app, or run \`npx supabase init\` in it first`,
    );
  const configured = withStanza(await readFile(config, "utf8"), servedFunctions);
  for (const name of servedFunctions)
    if (existsSync(join(supabase, "functions", name)))
      throw new UserError(`supabase/functions/${name} is a function of the app's own: rename it first`);
  const migrations = join(supabase, "migrations");
  const present = await namesIn(migrations);
  const versions = present.map((name) => name.slice(0, name.indexOf("_")));
  const installed = new Map(present.flatMap((name) => (keyOf(name) ? [[keyOf(name) as string, name] as const] : [])));
  const ours = await engineMigrations();
  const missing = ours.filter(({ key }) => !installed.has(key));
  const found = present.find((name) => /^\d+_recsys_sources\.sql$/.test(name));
  const fresh = versionsAfter(versions, missing.length + (found ? 0 : 1), now);

  await mkdir(migrations, { recursive: true });
  const added: string[] = [];
  const changed: string[] = [];
  const write = async (name: string, sql: string) => await writeFile(join(migrations, name), sql);
  for (const { key, sql } of ours) {
    const name = installed.get(key);
    if (name === undefined) {
      added.push(`${fresh[added.length]}_recsys_${key}.sql`);
      await write(added[added.length - 1], sql);
    } else if ((await readFile(join(migrations, name), "utf8")) !== sql) {
      changed.push(name);
      await write(name, sql);
    }
  }
  const sources = found ?? `${fresh[fresh.length - 1]}_recsys_sources.sql`;
  if (!found) await write(sources, draft ?? (await readFile(template, "utf8")));
  await copyFunctions(join(supabase, "functions", "_recsys"));
  await writeFile(config, configured);
  const keys = new Set(ours.map(({ key }) => key));
  const left = [...installed].filter(([key]) => !keys.has(key)).map(([, name]) => name);
  return { added, changed, left, sources, upgraded: found !== undefined };
}

/** The key of an engine's migration (see `EngineMigration`); undefined: it is the app's. */
function keyOf(name: string): string | undefined {
  return /^\d+_recsys_(\d{6}_.+)\.sql$/.exec(name)?.[1];
}

/** Those of the migrations there, as the CLI takes them. */
async function namesIn(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  return (await readdir(folder)).filter((name) => /^\d+_.+\.sql$/.test(name)).sort();
}
