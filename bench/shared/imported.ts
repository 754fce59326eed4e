/** A community that a benchmark writes as a bundle, read back from a database of its own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { importBundle } from "../../db/import/import-bundle.ts";
import { openPostgresCopy, testServer } from "../../db/testing-postgres.ts";
import { communityFromDatabase, type LoadedCommunity } from "../../trainer/community/from-database.ts";

/** `name`: of the database. */
export async function imported(name: string, write: (folder: string) => Promise<unknown>): Promise<LoadedCommunity> {
  const server = await testServer();
  if (!server) throw new Error("this needs PostgreSQL: npm run setup:postgres");
  const database = await openPostgresCopy(server, name);
  const folder = await mkdtemp(join(tmpdir(), `bench-${name}-`));
  try {
    await write(folder);
    await importBundle(database, folder);
    return await communityFromDatabase(database);
  } finally {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  }
}
