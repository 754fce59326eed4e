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
 * The test files that changed files reach: those beside a file, and by imports, at any depth; the schema reaches all that make a database; a page or a
 * fixture reaches those that name it. A command that a test runs as a process is not seen. `root` is the folder that paths begin at.
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
  const filesOf = (test: string): Set<string> => {
    const found = new Set([test]);
    // a set that grows is walked to its end
    for (const file of found) for (const target of ownImports(file)) found.add(target);
    return found;
  };
  const named = changed.filter((file) => !/\.tsx?$/.test(file) && !isSchema(file)).map((file) => basename(file));
  const folders = new Set(changed.filter((file) => /\.tsx?$/.test(file)).map((file) => dirname(file)));
  return tests.filter((test) => {
    if (folders.has(dirname(test))) return true;
    const files = filesOf(test);
    if (changed.some((file) => files.has(file) || (isSchema(file) && files.has(makesDatabases)))) return true;
    if (named.length === 0) return false;
    const text = readFileSync(`${root}/${test}`, "utf8");
    return named.some((name) => text.includes(name));
  });
}
