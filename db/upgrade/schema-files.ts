import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../user-error.ts";

/**
 * The files of the schema. `supabase/schemas` has each object once, as it is now; `supabase/upgrade.sql` changes tables since the
 * last release. `supabase/migrations` is what `supabase db push` applies: a file for each release, and one made of the two.
 */
export const checkout = fileURLToPath(new URL("../..", import.meta.url));
export const checksums = "db/releases/SHA256SUMS";
export const handWritten = "supabase/upgrade.sql";

/** The text of supabase/schemas, file after file, in the order of its list. Throws where a file is not in the list, or the list names none. */
export function readSchemas(folder = checkout): string {
  const schemas = join(folder, "supabase/schemas");
  const listed = readFileSync(join(schemas, "order.txt"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const found = globSync("*/*.sql", { cwd: schemas });
  const faults = [
    ...found.filter((file) => !listed.includes(file)).map((file) => `does not list ${file}`),
    ...listed.filter((file) => !found.includes(file)).map((file) => `lists ${file}, which does not exist`),
    ...listed.filter((file, place) => listed.indexOf(file) < place).map((file) => `lists ${file} twice`),
  ];
  if (faults.length > 0) throw new UserError(`supabase/schemas/order.txt ${faults.join("; ")}.`);
  return listed.map((file) => `-- ${file}\n\n${readFileSync(join(schemas, file), "utf8").trim()}\n`).join("\n\n");
}

/** The changes of tables since the last release; "": none. */
export function readHandWritten(folder = checkout): string {
  const path = join(folder, handWritten);
  return existsSync(path) ? readFileSync(path, "utf8").trim() : "";
}

/** The sha256 of each frozen migration by its path, in the order of the releases: those of releases, and the example app's. */
export function readChecksums(folder = checkout): Map<string, string> {
  const path = join(folder, checksums);
  if (!existsSync(path)) return new Map();
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  return new Map(lines.map((line) => line.split("  ")).map(([sum, file]) => [file, sum]));
}

export function checksumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** `1.2.0` of `…_recsys_1_2_0.sql`; undefined: not a release's. */
export function releaseOf(file: string): string | undefined {
  return /^\d+_recsys_(\d+_\d+_\d+)\.sql$/.exec(basename(file))?.[1].replaceAll("_", ".");
}
