import { importBundle } from "../../db/import/import-bundle.ts";
import { type DatabaseOption, inDatabase } from "./in-database.ts";

/** `recsys import --data DIR`: a community bundle into the database. */
export async function importCommand(options: DatabaseOption & { data: string }): Promise<void> {
  await inDatabase(options, { migrates: true }, async ({ database, onProgress, signal, print }) => {
    const report = await importBundle(database, options.data, { onProgress, signal });
    for (const part of ["users", "posts", "interactions", "logins", "impressions"] as const) {
      const { read, added, existing } = report[part];
      if (read > 0) print(`${part.padEnd(12)} ${read} read, ${added} added, ${existing} already there`);
    }
  });
}
