/** `recsys start`, the main job: community in, functions and pages served as soon as there is something to show, models trained and published meanwhile, one feed printed. */

import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { bundleDigest } from "../../db/bundle/open-bundle.ts";
import { foreignTables, someOf } from "../../db/foreign-tables.ts";
import { cutOffImport, importEarly } from "../../db/import/import-bundle.ts";
import { UserError } from "../../db/user-error.ts";
import { runRollUpLoop } from "../../serve/background-loops.ts";
import { type Gateway, startGateway } from "../../serve/gateway.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { db } from "../../supabase/functions/_shared/database/query.ts";
import { readModelFolder } from "../../trainer/artifacts/model-folder/model-folder.ts";
import { writeSyntheticCommunity } from "../../trainer/data/synthetic/write-synthetic-community.ts";
import type { Backend } from "../../trainer/models/nn/backend.ts";
import { type Verdict, verdictLines } from "../../trainer/release/gate/verdict.ts";
import { publish } from "../../trainer/release/publish/publish.ts";
import { trainIntoFolder } from "../../trainer/train-into-folder.ts";
import { defaultConfig } from "../../trainer/training/config/config.ts";
import { basisInWords, feedTable, fetchFeed, mostActiveUser } from "./feed.ts";
import { appLine, builtSite, consoleLine, endOf, pagesLine, serveUntil } from "./serve.ts";
import { topicsOfNewModel } from "./topics.ts";
import { modelsFolder } from "./train.ts";
import { trainingShare } from "./training-share.ts";
import { type CommandContext, type DatabaseOption, inDatabase } from "./with-database.ts";

export interface StartOptions extends DatabaseOption {
  data?: string;
  seed: number;
  backend?: Backend;
  port: number;
  exit?: boolean;
}

/** Serves early and does the missing steps meanwhile. With `exit` it ends after printing a feed. */
export async function startCommand(options: StartOptions): Promise<void> {
  const { seed, data, database: url } = options;
  // where there is no database yet the community is invented while that comes
  const isNew = data === undefined && url === undefined && !existsSync(join(".recsys", "database"));
  const invented = isNew ? invent(seed) : undefined;
  invented?.catch(() => {});
  await inDatabase(options, { migrates: true }, async (running) => {
    const bundle = await bundleToImport(running, options, invented);
    const active = await activeModel(running);
    await serveMeanwhile(running, options, async (context, onReadable) => {
      if (bundle !== undefined) await importEarly(context.database, bundle, { ...context, onReadable });
      else onReadable();
      if (active === undefined) await makeModel(context, options);
      else running.print(`model ${active} is there already; \`npx --no-install recsys train\` makes a new one`);
      await topicsOfNewModel(context);
    });
  });
}

/** The steps that run while feeds are served; they report when the first feed can be served. */
type Preparation = (context: CommandContext, onReadable: () => void) => Promise<void>;

/** Serves from the moment on at which there is something to see, then prints a feed, and goes on until Ctrl-C. */
async function serveMeanwhile(running: CommandContext, { port, exit }: StartOptions, prepare: Preparation) {
  const { database, print } = running;
  const ending = new AbortController();
  const signal = AbortSignal.any([running.signal, ending.signal]);
  let gateway: Gateway | undefined;
  const shareOf = trainingShare();
  const onProgress: CommandContext["onProgress"] = (progress) => {
    running.onProgress(progress);
    gateway?.tell({ state: "running", step: progress.step, share: shareOf(progress) });
  };
  let onReadable = () => {};
  const isReadable = new Promise<void>((resolve) => {
    onReadable = resolve;
  });
  const preparing = prepare({ ...running, onProgress, signal }, onReadable);
  preparing.catch(() => {});
  const starting = builtSite().then((site) => startGateway({ databaseUrl: database.url, port, site }));
  starting.catch(() => {});
  try {
    const [started] = await Promise.all([starting, Promise.race([isReadable, preparing])]);
    gateway = started;
    if (!exit) {
      print(
        `the functions are served on ${started.url}/functions/v1, the database on ${database.url} (Ctrl-C ends all)`,
      );
      print(appLine(started));
      print(consoleLine(started));
      print(pagesLine(started));
    }
    const isPrepared = await Promise.race([preparing.then(() => true), endOf(started, signal)]).catch((error) => {
      if (exit || signal.aborted) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      started.tell({ state: "failed", reason: `${reason}. Start again when that is mended.` });
      console.error(`no model yet: ${reason}; feeds are what is fresh and popular, and the next start tries again`);
      return false;
    });
    if (isPrepared) {
      started.tell({ state: "done" });
      const { user_id, external_id } = await mostActiveUser(database);
      const feed = await fetchFeed(started, user_id, 10);
      print(`\nfeed of user ${external_id ?? user_id} (${basisInWords(feed)})\n\n${feedTable(feed)}\n`);
    }
    if (!exit) await serveUntil(started, database, signal);
  } finally {
    ending.abort(new UserError("it ends"));
    await preparing.catch(() => {});
    await (await starting.catch(() => undefined))?.stop();
  }
}

const synthetic = join(".recsys", "synthetic");

async function invent(seed: number, onProgress?: CommandContext["onProgress"]): Promise<void> {
  await rm(synthetic, { recursive: true, force: true });
  await writeSyntheticCommunity(synthetic, { seed, follows: true, ...(onProgress && { onProgress }) });
}

/** The bundle asked for, or a synthetic community where the database is empty; undefined: it is there. An import that was cut off goes on. */
async function bundleToImport(
  { database, onProgress, print }: CommandContext,
  { data, seed }: StartOptions,
  invented: Promise<void> | undefined,
): Promise<string | undefined> {
  const cutOff = await cutOffImport(database.pool);
  const somebody = await run(database.pool, db.selectFrom("recsys.source_users").select("user_id").limit(1));
  const filled = somebody.length > 0;
  const cure = database.embedded ? "remove the folder .recsys" : "give the URL of an empty database";
  const cutOffCure = `the import of another community was cut off: start with the same --data or --seed as then, or ${cure}`;
  if (data === undefined) {
    if (filled && cutOff === undefined) return undefined;
    const tables = filled ? [] : await foreignTables(database);
    if (tables.length > 0)
      throw new UserError(
        `this database holds the tables of an app (${someOf(tables)}) and no users yet, and is not filled with invented ones: come back when there are users, or name an empty database`,
      );
    print(filled ? "the import was cut off and goes on" : `no community yet: generating a synthetic one, seed ${seed}`);
    await (invented ?? invent(seed, onProgress));
    if (cutOff !== undefined && (await bundleDigest(synthetic)) !== cutOff) throw new UserError(cutOffCure);
    return synthetic;
  }
  const digest = await bundleDigest(data);
  const whole = db.selectFrom("recsys_engine.imports").select("bundle_digest").where("is_whole", "=", true);
  if ((await run(database.pool, whole)).some(({ bundle_digest }) => bundle_digest === digest)) return undefined;
  if (!filled || cutOff === digest) return data;
  if (cutOff !== undefined) throw new UserError(cutOffCure);
  const orAdd = database.embedded
    ? "or give --database URL"
    : "or add to this one with `npx --no-install recsys import`";
  throw new UserError(`the database holds another community than ${data}: ${cure}, ${orAdd}`);
}

/** Whether the database holds the invented community. */
async function isInvented({ pool }: CommandContext["database"]): Promise<boolean> {
  const digest = existsSync(synthetic) ? await bundleDigest(synthetic) : undefined;
  const imports = db.selectFrom("recsys_engine.imports").select("bundle_digest");
  return (await run(pool, imports)).some(({ bundle_digest }) => bundle_digest === digest);
}

/** The name of the model that serves; undefined: none does. */
async function activeModel({ database }: CommandContext): Promise<string | undefined> {
  const active = db.selectFrom("recsys.models").select("name").where("status", "=", "active");
  return (await run(database.pool, active))[0]?.name;
}

/**
 * The ranker's requests in the training on an invented community. With 1,000 instead of 3,000 it finds as much on three seeds and trains in half the
 * time (docs/research/experiments.md#the-first-training). A real community's training learns from all.
 */
const ofInvented = { ...defaultConfig, ranker: { ...defaultConfig.ranker, maximumRequests: 1000 } };

/** Trains and publishes, and rolls up new interactions meanwhile. */
async function makeModel(context: CommandContext, options: StartOptions): Promise<void> {
  const { database, onProgress, signal, print } = context;
  const stop = await runRollUpLoop(database.pool);
  try {
    const config = (await isInvented(database)) ? ofInvented : defaultConfig;
    const model = await readModelFolder(await trainIntoFolder(context, { ...options, config, parent: modelsFolder }));
    const onVerdict = (verdict: Verdict) => verdictLines(verdict).forEach(print);
    await publish(database, model, { activate: true, onVerdict, onProgress, signal });
  } finally {
    await stop();
  }
}
