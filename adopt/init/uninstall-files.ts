/** The files of an installation in an app's folder, and their removal. Changed files move to a folder that the Supabase CLI does not read. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { UserError } from "../../db/user-error.ts";
import {
  copyFunctions,
  engineMigrations,
  isAsWritten,
  isSourcesFile,
  migrationNameOf,
  namesIn,
  requireOtherFolder,
  servedFunctions,
  versionOfFiles,
  withoutStanza,
} from "./init.ts";

/** A part of an uninstallation: a line that says what goes, and what does it. */
export interface FileStep {
  says: string;
  run(): Promise<unknown>;
}

export interface InstalledFiles {
  steps: FileStep[];
  /** The versions of the recommender's migrations there. */
  versions: string[];
  /** Lines on what is kept. */
  stays: string[];
}

/** The folder, in supabase/, of files that were changed after `init` wrote them. */
const keptFolder = "recsys_kept";

/** Returns the installed files of an app's folder; none without supabase/config.toml. Reads only. Throws a `UserError` where the files are of another version. */
export async function readInstalledFiles(folder: string): Promise<InstalledFiles> {
  const supabase = join(resolve(folder), "supabase");
  requireOtherFolder(supabase);
  const config = join(supabase, "config.toml");
  if (!existsSync(config)) return { steps: [], versions: [], stays: [] };
  const present = await namesIn(join(supabase, "migrations"));
  const release = new Map((await engineMigrations()).map(({ name, sql }) => [name, sql]));
  const [there, ours] = [versionOfFiles(present.map(migrationNameOf)), versionOfFiles([...release.keys()])];
  if (there !== undefined && there !== ours)
    throw new UserError(
      `the files in ${relative(process.cwd(), supabase) || "."} are of recsys ${there}, and this command is ${ours}: use the one that wrote them, or bring them up to this one (docs/upgrading.md)`,
    );

  const steps: FileStep[] = [];
  const removeOrKeep = (path: string, isAsItWas: boolean) => {
    const [from, to] = [join(supabase, path), join(supabase, keptFolder, path)];
    steps.push(
      isAsItWas
        ? { says: `supabase/${path}`, run: () => rm(from) }
        : {
            says: `supabase/${path}, which was changed since init wrote it: kept as supabase/${keptFolder}/${path}`,
            run: async () => {
              await mkdir(dirname(to), { recursive: true });
              await rename(from, to);
            },
          },
    );
  };

  const written = await readText(config);
  const without = withoutStanza(written);
  if (without !== written)
    steps.push({
      says: "supabase/config.toml: the lines from # recsys: begin to # recsys: end",
      run: () => writeFile(config, without),
    });
  const ownMigrations = present.filter((name) => migrationNameOf(name) !== undefined || isSourcesFile(name));
  for (const name of ownMigrations) {
    const text = await readText(join(supabase, "migrations", name));
    removeOrKeep(
      join("migrations", name),
      isSourcesFile(name) ? isAsWritten(text) : release.get(migrationNameOf(name) ?? "") === text,
    );
  }
  const functions = join("functions", "_recsys");
  if (existsSync(join(supabase, functions))) {
    const changed = await changedFunctions(join(supabase, functions));
    for (const name of changed) removeOrKeep(join(functions, name), false);
    steps.push({
      says: `supabase/${functions}`,
      run: async () => {
        await rm(join(supabase, functions), { recursive: true });
        // where init made it
        await rmdir(join(supabase, "functions")).catch(() => undefined);
      },
    });
  }
  return {
    steps,
    versions: ownMigrations.map((name) => name.slice(0, name.indexOf("_"))),
    stays: [
      ...(await ownUses(
        join(supabase, "migrations"),
        present.filter((name) => !ownMigrations.includes(name)),
      )),
      `functions that are deployed: npx supabase functions delete NAME, for ${servedFunctions.join(", ")}`,
      "the package, and .recsys/ with its models: npm uninstall recsys",
    ],
  };
}

/** Files there that are not as this version has them. */
async function changedFunctions(folder: string): Promise<string[]> {
  const fresh = await mkdtemp(join(tmpdir(), "recsys-functions-"));
  try {
    await copyFunctions(fresh);
    const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .sort();
    const isAsWritten = await Promise.all(
      files.map(async (file) => {
        const before = join(fresh, file);
        return existsSync(before) && (await readText(before)) === (await readText(join(folder, file)));
      }),
    );
    return files.filter((_, i) => !isAsWritten[i]);
  } finally {
    await rm(fresh, { recursive: true });
  }
}

/** The app's own migrations that use the schemas, a line each. */
async function ownUses(folder: string, names: string[]): Promise<string[]> {
  const texts = await Promise.all(names.map((name) => readText(join(folder, name))));
  return names
    .filter((_, i) => /\brecsys(_engine)?\./.test(texts[i]))
    .map(
      (name) => `supabase/migrations/${name}, which uses the recommender: take that out, or a new database stops there`,
    );
}

function readText(path: string): Promise<string> {
  return readFile(path, "utf8");
}
