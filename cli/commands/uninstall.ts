/** `recsys uninstall`: takes the recommender out of an app's database and folder, or only says what that would be. */
import { readInstalled, takeOut } from "../../adopt/init/uninstall-database.ts";
import { readInstalledFiles } from "../../adopt/init/uninstall-files.ts";
import { openDatabase } from "../../db/connect.ts";
import { hasExampleApp } from "../../db/foreign-tables.ts";
import { UserError } from "../../db/user-error.ts";
import { hasSchema, requireVersion } from "./with-database.ts";

interface UninstallOptions {
  database: string;
  from: string;
  yes?: boolean;
}

/** Prints what goes and what stays, and with --yes does it. A second start after a break does the rest. */
export async function uninstallCommand({ database: url, from, yes }: UninstallOptions): Promise<void> {
  const files = await readInstalledFiles(from);
  const database = await openDatabase({ url });
  const client = await database.pool.connect();
  try {
    if (await hasExampleApp(database))
      throw new UserError("this database holds the example app and nothing else: drop the database instead");
    if (await hasSchema(database)) await requireVersion(database);
    const installed = await readInstalled(client, files.versions);
    if (!installed && files.steps.length === 0)
      throw new UserError(
        `recsys is not installed: neither in this database nor in ${from}/supabase (--from names the folder of the app)`,
      );
    printList(
      "in the database, in one transaction",
      (installed?.steps ?? []).map(({ says }) => says),
    );
    printList(
      `in ${from}`,
      files.steps.map(({ says }) => says),
    );
    printList("stays", [...(installed?.stays ?? []), ...files.stays]);
    if (!yes) {
      console.log("Nothing was changed. With --yes all of this is taken out.");
      return;
    }
    if (installed) await takeOut(client, installed.steps);
    for (const step of files.steps) await step.run();
    console.log("recsys is uninstalled");
  } finally {
    client.release();
    await database.close();
  }
}

function printList(title: string, lines: string[]): void {
  if (lines.length > 0) console.log(`${title}:\n${lines.map((line) => `  ${line}`).join("\n")}\n`);
}
