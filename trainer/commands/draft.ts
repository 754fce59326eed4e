/** `recsys draft`: the source views as far as an app's own tables say what they are. */
import { openDatabase } from "../../db/connect.ts";
import { readCatalog } from "../adopt/catalog/read-catalog.ts";
import { type Drafted, draftViews } from "../adopt/draft/draft-views.ts";
import type { DatabaseOption } from "./in-database.ts";

/** Prints the draft, a migration, and nothing else; what it is unsure of goes to standard error too. The exit code is 1 where no posts are found. */
export async function draftCommand(options: DatabaseOption): Promise<void> {
  const { sql, unsure, hasPosts } = await draftOf(options);
  console.log(sql);
  for (const line of unsure) console.error(`unsure  ${line}`);
  if (!hasPosts) process.exitCode = 1;
}

/** The draft for an app's database, which is only read. */
export async function draftOf({ database: url }: DatabaseOption): Promise<Drafted> {
  const database = await openDatabase({ url });
  try {
    return draftViews(await readCatalog(database.pool));
  } finally {
    await database.close();
  }
}
