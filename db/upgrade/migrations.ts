/**
 * Part of `npm run types`: writes the migration of what is not released, from supabase/schemas and supabase/upgrade.sql. With --verify it only says
 * whether that is needed, and whether a released one was edited.
 */
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Migration } from "../migration-files.ts";
import { UserError } from "../user-error.ts";
import { composeUnreleased } from "./compose.ts";
import { checkout, checksumOf, checksums, readChecksums } from "./schema-files.ts";

const unreleased = "supabase/migrations/*_recsys_unreleased.sql";

/** Throws a `UserError` where a released migration is gone or was edited: databases have it as it was. */
export function verifyReleased(folder = checkout): void {
  for (const [file, sum] of readChecksums(folder)) {
    if (!existsSync(join(folder, file))) throw new UserError(`${file} is released and gone: git checkout ${file}`);
    if (checksumOf(readFileSync(join(folder, file), "utf8")) !== sum)
      throw new UserError(
        `${file} is released and was edited, though databases have it as ${checksums} says (git diff ${file} shows how): git checkout ${file}, then make that change in supabase/schemas`,
      );
  }
}

async function unreleasedMigration(): Promise<Migration | undefined> {
  const cleanings: (() => Promise<void>)[] = [];
  try {
    return await composeUnreleased({ after: (clean) => void cleanings.push(clean) });
  } finally {
    for (const clean of cleanings) await clean();
  }
}

async function main(verify: boolean): Promise<void> {
  verifyReleased();
  const migration = await unreleasedMigration();
  const file = migration && `supabase/migrations/${migration.version}_${migration.name}.sql`;
  const found = globSync(unreleased, { cwd: checkout });
  if (verify) {
    const isCurrent =
      found.join() === (file ?? "") && (!file || readFileSync(join(checkout, file), "utf8") === migration.sql);
    if (!isCurrent) throw new UserError("supabase/migrations lacks what changed in supabase/schemas: npm run types");
    console.log("supabase/migrations fit supabase/schemas.");
    return;
  }
  for (const old of found) rmSync(join(checkout, old));
  if (file) writeFileSync(join(checkout, file), migration.sql);
  console.log(file ? `Wrote ${file}.` : "Nothing changed since the last release.");
}

if (import.meta.main)
  try {
    await main(process.argv.includes("--verify"));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
