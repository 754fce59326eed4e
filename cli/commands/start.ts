/** `recsys start`, the main job: community in, models trained and published, functions served, one feed printed. */

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { bundleDigest } from "../../db/bundle/open-bundle.ts";
import { foreignTables, someOf } from "../../db/foreign-tables.ts";
import { importBundle } from "../../db/import/import-bundle.ts";
import { UserError } from "../../db/user-error.ts";
import { startGateway } from "../../serve/gateway.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import type { Backend } from "../../trainer/engine/backend.ts";
import { type Verdict, verdictLines } from "../../trainer/gate/verdict.ts";
import { readModelFolder } from "../../trainer/model-folder/model-folder.ts";
import { publish } from "../../trainer/publish/publish.ts";
import { writeSyntheticCommunity } from "../../trainer/synthetic/write-synthetic-community.ts";
import { trainIntoFolder } from "../../trainer/train-into-folder.ts";
import { basisInWords, feedTable, fetchFeed, mostActiveUser } from "./feed.ts";
import { type CommandContext, type DatabaseOption, inDatabase } from "./in-database.ts";
import { appLine, builtSite, consoleLine, pagesLine, serveUntil } from "./serve.ts";
import { topicsOfNewModel } from "./topics.ts";
import { modelsFolder } from "./train.ts";

export interface StartOptions extends DatabaseOption {
  data?: string;
  seed: number;
  backend?: Backend;
  port: number;
  exit?: boolean;
}

/** Does whatever is still missing and then serves; with `exit` it ends after printing the feed. */
export async function startCommand(options: StartOptions): Promise<void> {
  await inDatabase(options, { migrates: true }, async (running) => {
    await fillDatabase(running, options);
    await ensureModel(running, options);
    await topicsOfNewModel(running);
    const { database, signal, print } = running;
    const gateway = await startGateway({ databaseUrl: database.url, port: options.port, site: await builtSite() });
    try {
      const { user_id, external_id } = await mostActiveUser(database);
      const feed = await fetchFeed(gateway, user_id, 10);
      print(`\nfeed of user ${external_id ?? user_id} (${basisInWords(feed)})\n\n${feedTable(feed)}\n`);
      if (options.exit) return;
      print(
        `the functions are served on ${gateway.url}/functions/v1, the database on ${database.url} (Ctrl-C ends all)`,
      );
      print(appLine(gateway));
      print(consoleLine(gateway));
      print(pagesLine(gateway));
      await serveUntil(gateway, database, signal);
    } finally {
      await gateway.stop();
    }
  });
}

/** Imports the bundle asked for, or a synthetic community where the database is empty. */
async function fillDatabase(
  { database, onProgress, signal, print }: CommandContext,
  { data, seed }: StartOptions,
): Promise<void> {
  const imports = await run(database.pool, db.selectFrom("recsys_engine.imports").select("bundle_digest"));
  const somebody = await run(database.pool, db.selectFrom("recsys.source_users").select("user_id").limit(1));
  const filled = somebody.length > 0;
  if (data === undefined) {
    if (filled) return;
    const tables = await foreignTables(database);
    if (tables.length > 0)
      throw new UserError(
        `this database holds the tables of an app (${someOf(tables)}) and no users yet, and is not filled with invented ones: come back when there are users, or name an empty database`,
      );
    print(`no community yet: generating a synthetic one, seed ${seed}`);
    const folder = join(".recsys", "synthetic");
    await rm(folder, { recursive: true, force: true });
    await writeSyntheticCommunity(folder, { seed, follows: true, onProgress });
    await importBundle(database, folder, { onProgress, signal });
    return;
  }
  const digest = await bundleDigest(data);
  if (imports.some(({ bundle_digest }) => bundle_digest === digest)) return;
  if (filled) {
    const cure = database.embedded
      ? "remove the folder .recsys, or give --database URL"
      : "give the URL of an empty database, or add to this one with `npx recsys import`";
    throw new UserError(`the database holds another community than ${data}: ${cure}`);
  }
  await importBundle(database, data, { onProgress, signal });
}

/** Trains and publishes where no model serves yet. */
async function ensureModel(running: CommandContext, options: StartOptions): Promise<void> {
  const { database, onProgress, signal, print } = running;
  const [active] = await run(
    database.pool,
    db.selectFrom("recsys.models").select("name").where("status", "=", "active"),
  );
  if (active) {
    print(`model ${active.name} is there already; \`npx recsys train\` makes a new one`);
    return;
  }
  const model = await readModelFolder(await trainIntoFolder(running, { ...options, parent: modelsFolder }));
  const onVerdict = (verdict: Verdict) => verdictLines(verdict).forEach(print);
  await publish(database, model, { activate: true, onVerdict, onProgress, signal });
}
