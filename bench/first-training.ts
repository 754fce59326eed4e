/**
 * Compares a first training from an app's nine watched tables with one from a bundle: `npm run bench -- first-training [POSTS
 * [PEOPLE]]`. Prints processor seconds from the rows to the first feed, and feeds of eight members meanwhile. Needs a PostgreSQL.
 */
import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Database } from "../db/connect.ts";
import { importBundle } from "../db/import/import-bundle.ts";
import { startGateway } from "../serve/gateway.ts";
import { readModelFolder } from "../trainer/artifacts/model-folder/model-folder.ts";
import { publish } from "../trainer/release/publish/publish.ts";
import { trainIntoFolder } from "../trainer/train-into-folder.ts";
import { configSchema } from "../trainer/training/config/config.ts";
import type { AskedFeeds, HeardFeeds } from "./shared/feed-asker.ts";
import { ownTablesOf, ownWatches } from "./shared/own-tables.ts";
import { load, ownProcessorTime, processorTime, Times } from "./shared/times.ts";
import { benchmarkBundle, openFolder, openPostgres, openScope } from "./shared/workspace.ts";

const [posts = 20_000, users = 2060] = process.argv.slice(2).map(Number);
const config = configSchema.parse({
  towers: { epochsOf: { others: 2 }, leastSteps: 8, withPages: { epochs: 1 } },
  ranker: { epochs: 1, maximumRequests: 400 },
});

await using scope = openScope();
const bundle = await benchmarkBundle(scope, undefined, { seed: 1, users, posts });
const imported = await openPostgres(scope, "first_bundle");
const own = await ownTablesOf(scope, await withRows(imported), "first_own");
const beside = await ownTablesOf(scope, imported, "first_beside");

const ofBundle = await measure("bundle", await openPostgres(scope, "first_again"), (database) =>
  importBundle(database, bundle),
);
const ofOwn = await measure("own tables, nine watches", own, watchAll);
console.log(`own tables take ${(ofOwn / ofBundle).toFixed(2)} times the bundle`);
await measureFeedsBeside(beside);

async function withRows(database: Database): Promise<Database> {
  await importBundle(database, bundle);
  return database;
}

async function watchAll({ pool }: Database): Promise<void> {
  for (const watch of ownWatches) await pool.query(watch);
  const { rows } = await pool.query(
    `select (select count(*) from recsys_engine.feature_changes) as changes, (select count(*) from recsys_engine.embedding_jobs) as jobs,
       (select count(*) from recsys.source_interactions) as acts`,
  );
  console.log(
    `queued of ${rows[0].acts} acts: ${rows[0].changes} rows for the feature store, ${rows[0].jobs} for vectors`,
  );
}

/** Prepares, trains and publishes; processor seconds. */
async function measure(name: string, database: Database, prepare: (database: Database) => Promise<unknown>) {
  const seconds = { prepare: 0, train: 0, publish: 0 };
  const folder = join(await openFolder(scope), "model");
  seconds.prepare = await processorSeconds(database, () => prepare(database));
  seconds.train = await processorSeconds(database, () => trainOn(database, folder));
  seconds.publish = await processorSeconds(database, async () =>
    publish(database, await readModelFolder(folder), { activate: true }),
  );
  const all = seconds.prepare + seconds.train + seconds.publish;
  const parts = Object.entries(seconds).map(([part, taken]) => `${part} ${taken.toFixed(1)}`);
  const { rows } = await database.pool.query("select count(*) as left from recsys_engine.embedding_jobs");
  console.log(`${rows[0].left} rows still wait for vectors`);
  console.log(`${name}: ${parts.join(", ")}, together ${all.toFixed(1)} s of processors (${load()})`);
  return all;
}

async function trainOn(database: Database, out: string): Promise<void> {
  const context = { database, onProgress: () => {}, signal: new AbortController().signal, print: () => {} };
  await trainIntoFolder(context, { seed: 1, config, out, parent: out });
}

/** Of this process and of the sessions in a database: a session that ends counts as it was last seen. */
async function processorSeconds({ pool }: Database, work: () => Promise<unknown>): Promise<number> {
  const before = new Map<number, number>();
  const latest = new Map<number, number>();
  const look = async (into: Map<number, number>) => {
    const { rows } = await pool.query("select pid from pg_stat_activity where datname = current_database()");
    for (const { pid } of rows) into.set(pid, processorTime(pid));
  };
  await look(before);
  const own = process.cpuUsage();
  const timer = setInterval(() => void look(latest).catch(() => {}), 200);
  await work();
  clearInterval(timer);
  await look(latest);
  let sessions = 0;
  for (const [pid, taken] of latest) sessions += (taken || 0) - (before.get(pid) ?? 0);
  return sessions / 1000 + ownProcessorTime(own);
}

async function measureFeedsBeside(database: Database): Promise<void> {
  await watchAll(database);
  await database.pool.query("update recsys.settings set requests_per_minute = null");
  const { rows } = await database.pool.query("select id from forum.members order by md5(id::text) limit 8");
  const gateway = await startGateway({ databaseUrl: database.url, port: 0 });
  scope.after(() => gateway.stop());
  const asked: AskedFeeds = {
    url: `${gateway.url}/functions/v1/recommend`,
    tokens: await Promise.all(rows.map(({ id }) => gateway.tokenOf(id))),
  };
  const asker = new Worker(new URL("shared/feed-asker.ts", import.meta.url), { workerData: asked });
  const folder = join(await openFolder(scope), "model");
  await trainOn(database, folder);
  await publish(database, await readModelFolder(folder), { activate: true });
  asker.postMessage("stop");
  const [{ answers, times }]: HeardFeeds[] = await once(asker, "message");
  const all = new Times(times);
  console.log(
    `feeds beside it: ${JSON.stringify(answers)}, median ${all.at(0.5)} ms, 95 % ${all.at(0.95)} ms, the longest ${all.at(1)} ms (${load()})`,
  );
}
