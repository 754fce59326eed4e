/**
 * Puts the recommender into the supabase folder of an app: migrations behind the app's own, one for the team to fill,
 * functions and config. Run again with a later version it upgrades: new migrations come last, and the filled one is kept.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Migration, readMigrations } from "../../db/migration-files.ts";
import { UserError } from "../../db/user-error.ts";
import { compareVersions } from "../../supabase/functions/_shared/http/schema-version.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const walkThrough = new URL("../../docs/adopting.md", import.meta.url);

/**
 * Writes into `folder`/supabase; `draft`: the team's migration to begin with, in place of one to fill; `release`: other migrations than this
 * version's, for tests. Everything is looked at before anything is written. Throws a `UserError` where something is in the way.
 */
export async function init(folder: string, now = new Date(), draft?: string, release?: Migration[]) {
  const supabase = join(resolve(folder), "supabase");
  requireOtherFolder(supabase);
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
  const ancient = present.find((name) => /^\d+_recsys_\d{6}_/.test(name));
  if (ancient !== undefined)
    throw new UserError(
      `${ancient} is of a version before 1.0, which cannot be upgraded: delete the migrations called …_recsys_NNNNNN_….sql and begin with a new database`,
    );
  const versions = present.map((name) => name.slice(0, name.indexOf("_")));
  const installed = new Map(
    present.flatMap((name) => (migrationNameOf(name) ? [[migrationNameOf(name) as string, name] as const] : [])),
  );
  const ours = release ?? (await engineMigrations());
  const [there, ourVersion] = [versionOfFiles([...installed.keys()]), versionOfFiles(ours.map(({ name }) => name))];
  if (there !== undefined && compareVersions(there, ourVersion ?? "") > 0)
    throw new UserError(`the app has recsys ${there}, which is later than this one: install the package of ${there}`);
  if (installed.has(unreleased) && !ours.some(({ name }) => name === unreleased))
    throw new UserError(
      `${installed.get(unreleased)} is of a version that was never released and cannot be upgraded: delete it and begin with a new database`,
    );
  const missing = ours.filter(({ name }) => !installed.has(name));
  const found = present.find(isSourcesFile);
  const fresh = versionsAfter(versions, missing.length + (found ? 0 : 1), now);

  await mkdir(migrations, { recursive: true });
  const added: string[] = [];
  /** Those that an earlier `init` wrote and that were edited since, and written again. */
  const changed: string[] = [];
  const write = async (name: string, sql: string) => await writeFile(join(migrations, name), sql);
  for (const { name, sql } of ours) {
    const file = installed.get(name);
    if (file === undefined) {
      added.push(`${fresh[added.length]}_${name}.sql`);
      await write(added[added.length - 1], sql);
    } else if ((await readFile(join(migrations, file), "utf8")) !== sql) {
      changed.push(file);
      await write(file, sql);
    }
  }
  /** The migration that is the team's to fill. */
  const sources = found ?? `${fresh[fresh.length - 1]}_recsys_sources.sql`;
  if (!found) await write(sources, withDigest(draft ?? (await exampleToFill())));
  await copyFunctions(join(supabase, "functions", "_recsys"));
  await writeFile(config, configured);
  const names = new Set(ours.map(({ name }) => name));
  /** Those of an earlier `init` that this version does not have; they stay. */
  const left = [...installed].filter(([name]) => !names.has(name)).map(([, file]) => file);
  return { added, changed, left, sources, upgraded: found !== undefined };
}

/** The sources of the app in docs/adopting.md, commented out. */
async function exampleToFill(): Promise<string> {
  const page = await readFile(walkThrough, "utf8");
  const [, example] = /```sql\n-- \S*_recsys_sources\.sql\n(.*?)```/s.exec(page) as RegExpExecArray;
  return `-- Say where your posts, people and what they do are, before this is pushed; \`npx --no-install recsys check\` says what is wrong.
-- The example is that of docs/adopting.md in the recommender's repository.
--
${example.replace(/^(?!-- |$)/gm, "-- ")}`;
}

/** Throws a `UserError` where a supabase folder is that of this package or checkout. */
export function requireOtherFolder(supabase: string): void {
  if (supabase === join(resolve(root), "supabase"))
    throw new UserError("this is the recommender's own folder: name that of your app");
}

/** The migration with a last line by which a change of it is noticed. */
function withDigest(sql: string): string {
  const text = `${sql.trimEnd()}\n`;
  return `${text}${digestLine(text)}`;
}

/** Whether a migration that was the team's to fill is still as `init` wrote it. */
export function isAsWritten(text: string): boolean {
  const before = text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1);
  return text === `${before}${digestLine(before)}`;
}

function digestLine(text: string): string {
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return `-- As recsys init wrote it (${digest}): recsys uninstall deletes this file where nothing was changed, and else keeps it.\n`;
}

/** Whether a migration is the one that the team fills. */
export function isSourcesFile(name: string): boolean {
  return /^\d+_recsys_sources\.sql$/.test(name);
}

const unreleased = "recsys_unreleased";

/** The latest released version among migrations of these names, in their order; undefined: there is none. */
export function versionOfFiles(names: (string | undefined)[]): string | undefined {
  const last = names.filter((name) => name !== undefined && /^recsys_\d/.test(name)).at(-1);
  return last && versionOfName(last);
}

/** `1.2.0` of `recsys_1_2_0`. */
function versionOfName(name: string): string {
  return name.replace("recsys_", "").replaceAll("_", ".");
}

/** The name of a migration of the recommender's, by which a later `init` finds it again; undefined: it is the app's. */
export function migrationNameOf(file: string): string | undefined {
  return /^\d+_(recsys_(?:\d+_\d+_\d+|unreleased))\.sql$/.exec(file)?.[1];
}

/** Those of the migrations there, as the CLI takes them. */
export async function namesIn(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  return (await readdir(folder)).filter((name) => /^\d+_.+\.sql$/.test(name)).sort();
}

// The part of an app's supabase/config.toml that is the recommender's, between two lines by which it is found again.

const begin = "# recsys: begin";
const beginLine = `${begin} (written by recsys init, which replaces it)`;
const end = "# recsys: end";
const stanza = new RegExp(`\\n*${begin}.*\\n[\\s\\S]*?${end}\\n?`);

/** The configuration without the recommender's stanza; as it is where it has none. */
export function withoutStanza(config: string): string {
  return config.replace(stanza, "\n");
}

/** The configuration with the stanza of these functions, in place of an earlier one or at its end. Throws a `UserError` where one is the app's own. */
export function withStanza(config: string, functions: string[]): string {
  const own = withoutStanza(config);
  if (own.includes(begin) || own.includes(end))
    throw new UserError(
      `supabase/config.toml has one of the two lines "${begin}" and "${end}" without the other: remove it`,
    );
  for (const name of functions)
    if (new RegExp(`^\\s*\\[\\s*functions\\s*\\.\\s*["']?${name}["']?\\s*\\]`, "m").test(own))
      throw new UserError(
        `supabase/config.toml has a function ${name} of the app's own: the recommender's has to have that name; rename yours first`,
      );
  const stanzas = functions.map(
    (name) => `[functions.${name}]
enabled = true
# it finds out itself who calls: verify_jwt does not prove that there is a user
verify_jwt = false
import_map = "./functions/_recsys/deno.json"
# what bundles it checks its packages by this: without Docker it is uploaded as a static file only
static_files = ["./functions/_recsys/deno.lock"]
entrypoint = "./functions/_recsys/${name}/index.ts"
`,
  );
  return `${own.trimEnd()}\n\n${beginLine}\n${stanzas.join("\n")}${end}\n`.trimStart();
}

// Versions of migrations, as the Supabase CLI makes and orders them: the instant in UTC, 20261126101500.

const second = 1000;

/**
 * `count` versions in a row behind all of `taken`, a second apart. The last is `now` where that is possible, so that what the
 * team writes next comes behind them. Throws a `UserError` where the app's last one is none that another can come behind.
 */
export function versionsAfter(taken: string[], count: number, now: Date): string[] {
  const last = [...taken].sort().at(-1);
  let first = now.getTime() - (count - 1) * second;
  if (last !== undefined && last >= versionOf(first)) first = instantOf(last) + second;
  return Array.from({ length: count }, (_, n) => versionOf(first + n * second));
}

function versionOf(instant: number): string {
  return new Date(instant).toISOString().replace(/\D/g, "").slice(0, 14);
}

function instantOf(version: string): number {
  const [, year, month, day, hour, minute, seconds] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(version) ?? [];
  const instant = Date.UTC(+year, +month - 1, +day, +hour, +minute, +seconds);
  // such as 20269999000000
  if (!Number.isFinite(instant) || versionOf(instant) !== version)
    throw new UserError(
      `the app's last migration has the version ${version}, which is no instant such as 20261126101500: nothing can be put behind it`,
    );
  return instant;
}

// What of this checkout goes into an app's own supabase folder: everything but the example app and what is only for development.

/** The functions that an app with tables of its own is served by, with what `supabase functions deploy` needs to know. */
export const servedFunctions = ["recommend", "similar", "ideas", "embed"];

const answerTypes = fileURLToPath(new URL("../../client/src/types.ts", import.meta.url));
const functionsFolder = fileURLToPath(new URL("../../supabase/functions/", import.meta.url));

/** Those that an app needs, in their order: one for each release. The others are the example app's. */
export async function engineMigrations(): Promise<Migration[]> {
  return (await readMigrations()).filter(({ name }) => name.startsWith("recsys_"));
}

/** Writes the functions' code into a folder that holds nothing else; what was there of an earlier version goes. */
export async function copyFunctions(into: string): Promise<void> {
  await rm(into, { recursive: true, force: true });
  await mkdir(into, { recursive: true });
  for (const part of ["_shared", "_deno", ...servedFunctions, "deno.json", "deno.lock"])
    await cp(join(functionsFolder, part), join(into, part), { recursive: true, filter: isServed });
  // for the app's pages: what a function takes and answers
  await cp(answerTypes, join(into, "types.ts"));
}

/** Tests and what only they use stay here, and what Node and the local Deno run of a package, compiled. */
function isServed(path: string): boolean {
  const name = basename(path);
  return !/\.test\.ts$|^testing|\.js(\.map)?$/.test(name);
}
