import { type BundlePart, bundleFiles } from "../../db/bundle/records.ts";
import { hasExampleApp } from "../../db/foreign-tables.ts";
import { importBundle } from "../../db/import/import-bundle.ts";
import { UserError } from "../../db/user-error.ts";
import { type DatabaseOption, inDatabase } from "./with-database.ts";

/** `recsys import --data DIR`: a community bundle into the database. */
export async function importCommand(options: DatabaseOption & { data: string }): Promise<void> {
  await inDatabase(options, { migrates: true }, async ({ database, onProgress, signal, print }) => {
    if (!(await hasExampleApp(database)))
      throw new UserError(
        "this database has an app of its own: a bundle can be imported only where the migrations made the example app's tables",
      );
    const report = await importBundle(database, options.data, { onProgress, signal });
    for (const part of Object.keys(bundleFiles) as BundlePart[]) {
      const { read, added, updated, existing } = report[part];
      if (read > 0)
        print(`${part.padEnd(12)} ${read} read, ${added} added, ${updated} updated, ${existing} already there`);
    }
  });
}
