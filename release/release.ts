/**
 * `npm run release -- major | minor | patch`: makes a version of what is there. It has a number, a migration that never changes again, a database for
 * the tests of later upgrades, and a dated entry in CHANGELOG.md. What stands in the way is said before anything is written.
 */
import { execFileSync } from "node:child_process";
import { appendFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readMigrations } from "../db/migration-files.ts";
import { findServer } from "../db/testing-postgres.ts";
import { compareWithRelease } from "../db/upgrade/compose.ts";
import { checkout, checksumOf, checksums, handWritten, readChecksums } from "../db/upgrade/schema-files.ts";
import { scratchDatabase } from "../db/upgrade/scratch.ts";
import { UserError } from "../db/user-error.ts";
import { fillEverything } from "./rows-everywhere.ts";
import { writeSnapshot } from "./snapshot.ts";

const at = (file: string) => join(checkout, file);
const read = (file: string) => readFileSync(at(file), "utf8");
const steps = ["major", "minor", "patch"] as const;
type Step = (typeof steps)[number];

export function nextVersion(version: string, step: Step): string {
  const [major, minor, patch] = version.split(".").map(Number);
  if (step === "major") return `${major + 1}.0.0`;
  return step === "minor" ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + 1}`;
}

/** CHANGELOG.md with what is unreleased as a version's. Throws a `UserError` where that says nothing, or not what an operator has to do. */
export function withEntry(changes: string, version: string, day: string): string {
  const [, before, entry, after] = /^(.*?\n)## Unreleased\n(.*?)(\n## .*)?$/s.exec(changes) ?? [];
  if (!entry?.includes("\n- "))
    throw new UserError("CHANGELOG.md says nothing under ## Unreleased: what changed, a line each?");
  if (!entry.includes("\n**To do:** "))
    throw new UserError(
      'CHANGELOG.md lacks a line "**To do:** …" under ## Unreleased: what does an operator have to do? (nothing, too, is said)',
    );
  return `${before}## Unreleased\n\n## ${version}, ${day}\n${entry}${after ?? ""}`;
}

async function release(step: Step, scope: Parameters<typeof writeSnapshot>[0]): Promise<string> {
  const { version } = JSON.parse(read("package.json"));
  const next = nextVersion(version, step);
  const changes = withEntry(read("CHANGELOG.md"), next, new Date().toISOString().slice(0, 10));
  if (execFileSync("git", ["status", "--porcelain"], { cwd: checkout, encoding: "utf8" }) !== "")
    throw new UserError("there are changes that are not committed: commit or stash them");
  if (!(await findServer()))
    throw new UserError(
      "a release needs a PostgreSQL, for the database that later versions upgrade: npm run setup:postgres",
    );
  const { broken } = await compareWithRelease(scope);
  if (broken.length > 0 && step !== "major")
    throw new UserError(`only a major version may take this away or change its type: ${broken.join(", ")}`);

  // a table without a row is told now, and not when half of a release is made
  await fillEverything((await scratchDatabase(scope, await readMigrations())).pool);

  const npm = (...args: string[]) =>
    execFileSync("npm", args, { cwd: checkout, stdio: ["ignore", "ignore", "inherit"] });
  npm("version", next, "--no-git-tag-version", "--allow-same-version");
  npm("version", next, "--no-git-tag-version", "--allow-same-version", "--prefix", "client");
  const inSchema = "supabase/schemas/settings/engine_schema.sql";
  writeFileSync(at(inSchema), read(inSchema).replace(`return '${version}';`, `return '${next}';`));
  const inCode = "supabase/functions/_shared/http/schema-version.ts";
  writeFileSync(at(inCode), read(inCode).replace(`schemaVersion = "${version}"`, `schemaVersion = "${next}"`));
  // the examples take the client of this version
  for (const file of globSync("examples/*/package.json", { cwd: checkout }))
    writeFileSync(at(file), read(file).replace(/("recsys-client": "[^"]*?)\d+\.\d+\.\d+/, `$1${next}`));
  // with its new number it is an upgrade of its own, even where nothing else changed
  const { migration } = await compareWithRelease(scope);
  if (!migration) throw new UserError(`${inSchema} does not say ${version}`);
  const file = `supabase/migrations/${migration.version}_recsys_${next.replaceAll(".", "_")}.sql`;
  rmSync(at(`supabase/migrations/${migration.version}_${migration.name}.sql`), { force: true });
  writeFileSync(at(file), migration.sql);
  mkdirSync(at("db/releases"), { recursive: true });
  const frozen = readChecksums();
  for (const each of globSync("supabase/migrations/*.sql", { cwd: checkout }).sort())
    if (!frozen.has(each)) appendFileSync(at(checksums), `${checksumOf(read(each))}  ${each}\n`);
  rmSync(at(handWritten), { force: true });
  npm("run", "types");
  await writeSnapshot(scope, at(`db/releases/${next}`));
  writeFileSync(at("CHANGELOG.md"), changes);
  return next;
}

if (import.meta.main) {
  const [step] = process.argv.slice(2) as Step[];
  const cleanings: (() => Promise<void>)[] = [];
  try {
    if (!steps.includes(step)) throw new UserError("which? npm run release -- major | minor | patch");
    const next = await release(step, { after: (clean) => void cleanings.unshift(clean) });
    console.log(
      `${next} is made. Look at it with git diff, run npm test, then: git add -A && git commit -m "Version ${next}" && git tag v${next}`,
    );
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  } finally {
    for (const clean of cleanings) await clean();
  }
}
