import { join } from "node:path";
import type { Database } from "../../db/connect.ts";
import { importBundle } from "../../db/import/import-bundle.ts";
import { readModelFolder } from "../../trainer/artifacts/model-folder/model-folder.ts";
import { startBackend } from "../../trainer/models/nn/backend.ts";
import { publish } from "../../trainer/release/publish/publish.ts";
import { settledUntil, train } from "../../trainer/train-into-folder.ts";
import { benchmarkBundle, openFolder, openPostgres, type openScope } from "./workspace.ts";

type Scope = ReturnType<typeof openScope>;

/**
 * The synthetic community of a seed in one database or more, each with the same served model and without rate
 * limits.
 */
export async function trainedCommunity(scope: Scope, seed: number, names: string[]): Promise<Database[]> {
  const bundle = await benchmarkBundle(scope, undefined, { seed });
  const out = join(await openFolder(scope), "model");
  const databases: Database[] = [];
  for (const name of names) {
    const database = await openPostgres(scope, name);
    await importBundle(database, bundle);
    await database.pool.query("update recsys.settings set requests_per_minute = null");
    const context = { database, onProgress: () => {}, signal: new AbortController().signal, print: () => {} };
    const backend = await startBackend();
    const learnedUntil = await settledUntil(database);
    if (databases.length === 0)
      await train(context, { seed, backend, learnedUntil, folderOf: () => out, from: undefined });
    await publish(database, await readModelFolder(out), { activate: true });
    databases.push(database);
  }
  return databases;
}
