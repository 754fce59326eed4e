/** `recsys draft`: the source views as far as an app's own tables say what they are. */

import { draftDatabase } from "../../adopt/draft/draft-views.ts";
import { openDatabase } from "../../db/connect.ts";
import type { DatabaseOption } from "./with-database.ts";

/** Prints the draft, a migration, and nothing else; what it is unsure of goes to standard error too. The exit code is 1 where no posts are found. */
export async function draftCommand(options: DatabaseOption): Promise<void> {
  const { sql, unsure, hasPosts, coverage } = await draftOf(options);
  console.log(sql);
  console.error(`${coverage.summary}: the list is at the top of the migration`);
  for (const line of unsure) console.error(`unsure  ${line}`);
  if (!hasPosts) process.exitCode = 1;
}

/** The draft for an app's database, which is only read. */
export async function draftOf({ database: url }: DatabaseOption): ReturnType<typeof draftDatabase> {
  const database = await openDatabase({ url });
  try {
    return await draftDatabase(database.pool);
  } finally {
    await database.close();
  }
}
