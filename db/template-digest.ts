import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Migration, readMigrations } from "./migration-files.ts";

/** 12 hex digits that change with what a migrated database is made from; a template of one carries them in its name. */
export async function templateDigest(migrations?: Migration[]): Promise<string> {
  const stubs = await readFile(new URL("./stubs.sql", import.meta.url), "utf8");
  const parts = [
    stubs,
    ...(migrations ?? (await readMigrations())).map((migration) => migration.version + migration.sql),
  ];
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 12);
}
