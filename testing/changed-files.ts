import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { importsOf } from "./imports.ts";

/** The files that differ from the last commit; where none does, those of the last commit. */
export function changedFiles(): string[] {
  const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).split("\n").filter(Boolean);
  const now = [...git("diff", "--name-only", "HEAD"), ...git("ls-files", "--others", "--exclude-standard")];
  return now.length > 0 ? now : git("diff", "--name-only", "HEAD~1", "HEAD");
}

/** Whether a file is a source of the migrated test database. */
const isSchema = (file: string) => /^supabase\/(schemas|migrations)\/|^db\/stubs\.sql$/.test(file);
/** Makes databases for tests, so what imports it depends on the schema. */
const makesDatabases = "db/testing.ts";

/**
 * The test files that changed files reach: those beside them, importers at any depth, and tests with a database for the schema; processes that tests
 * run are not seen. `root` is the folder that paths begin at. Nearest first: beside the file, `db/`, then by length of the import path.
 */
export function reachedTests(root: string, tests: string[], changed: string[]): string[] {
  const imports = new Map<string, string[]>();
  const ownImports = (file: string): string[] => {
    const known = imports.get(file);
    if (known) return known;
    const found = /\.tsx?$/.test(file) && existsSync(`${root}/${file}`) ? importsOf(root, file) : [];
    imports.set(file, found);
    return found;
  };
  /** What a test imports at any depth, with its distance. */
  const filesOf = (test: string): Map<string, number> => {
    const found = new Map([[test, 0]]);
    // a map that grows is walked to its end, which is breadth first
    for (const [file, distance] of found)
      for (const target of ownImports(file)) if (!found.has(target)) found.set(target, distance + 1);
    return found;
  };
  const named = changed.filter((file) => !/\.tsx?$/.test(file) && !isSchema(file)).map((file) => basename(file));
  const folders = new Set(changed.filter((file) => /\.tsx?$/.test(file)).map((file) => dirname(file)));
  const distanceOf = (test: string): number => {
    if (folders.has(dirname(test))) return 0;
    const files = filesOf(test);
    const distances = changed.flatMap((file) => files.get(isSchema(file) ? makesDatabases : file) ?? []);
    if (distances.length > 0) return dirname(test) === dirname(makesDatabases) ? 0 : Math.min(...distances);
    if (named.length === 0) return Number.POSITIVE_INFINITY;
    const text = readFileSync(`${root}/${test}`, "utf8");
    return named.some((name) => text.includes(name)) ? 1 : Number.POSITIVE_INFINITY;
  };
  return tests
    .map((test) => ({ test, distance: distanceOf(test) }))
    .filter(({ distance }) => distance < Number.POSITIVE_INFINITY)
    .sort((a, b) => a.distance - b.distance)
    .map(({ test }) => test);
}
