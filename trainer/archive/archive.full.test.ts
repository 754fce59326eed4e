/** Days of the log go into files and come back; training and reports are the same wherever the days are. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type pg from "pg";
import { recsys } from "../../cli/testing.ts";
import { eitherDatabase } from "../../db/testing.ts";
import type { TrainedModel } from "../artifacts/model-folder/trained-model.ts";
import { dlrmGraph } from "../artifacts/onnx/dlrm.ts";
import { postTowerGraph, userTowerGraph } from "../artifacts/onnx/towers.ts";
import { communityFromDatabase, type LoadedCommunity } from "../data/replay/from-database.ts";
import { startBackend } from "../models/nn/backend.ts";
import { labelWindow } from "../models/ranker/requests.ts";
import { trainModel } from "../pipeline.ts";
import { temporaryFolder } from "../testing.ts";
import { quickConfig } from "../training/config/testing.ts";
import { archiveDays } from "./archive-days.ts";
import { archivedParts } from "./archived-days.ts";
import { readingDays } from "./read-archived.ts";
import { restoreDays } from "./restore-days.ts";
import { archivableUntil, daysOfExperiment } from "./retention.ts";
import { folderStore } from "./store.ts";
import { archiveContext, fillOldLog } from "./testing.ts";

const database = await eitherDatabase({ after }, "archive");
const { pool } = database;
const folder = await temporaryFolder({ after });
const printed: string[] = [];
const context = archiveContext(database, (line) => printed.push(line));
let logged: unknown;
let loaded: LoadedCommunity;
let report: unknown;
let printedReport: string;

const rowsOfLog = async () =>
  (await pool.query("select impressions::text as row from recsys.impressions order by 1")).rows.map(({ row }) => row);

async function reportNow(client: Pick<pg.PoolClient, "query"> = pool): Promise<unknown> {
  const { rows } = await client.query(
    "select outcomes::text as outcome from recsys.experiments, recsys_engine.experiment_outcomes(experiment_id) as outcomes order by 1",
  );
  return rows;
}

/** As `recsys experiment report` prints it. */
async function reportCommand(): Promise<string> {
  const { status, stdout, stderr } = await recsys(["experiment", "report", "e", "--database", database.url], folder);
  assert.equal(status, 0, stderr);
  return stdout;
}

before(async () => {
  await startBackend();
  await fillOldLog({ after }, database);
  await pool.query("select recsys.start_experiment('e', $1)", [
    JSON.stringify([
      { name: "control", share: 0.5 },
      { name: "b", share: 0.5, settings: { vote_weight: 2 } },
    ]),
  ]);
  await pool.query(
    `update recsys.experiments set started_at = shown.first + interval '5 days', counted_from = shown.first + interval '5 days', ended_at = shown.last, end_reason = 'over'
     from (select min(shown_at) as first, max(shown_at) as last from recsys.impressions) as shown`,
  );
  logged = await rowsOfLog();
  report = await reportNow();
  printedReport = await reportCommand();
  loaded = await communityFromDatabase(database);
});

async function train(of: LoadedCommunity): Promise<TrainedModel> {
  const until = of.timeline.at[of.timeline.length - 1] - labelWindow;
  const config = { ...quickConfig, ranker: { ...quickConfig.ranker, maximumRequests: 200 } };
  return await trainModel(of, { seed: 1, scoreWeights: [0.2, 1, 1], until, config });
}

const graphsOf = ({ towers: { towers }, dlrm }: TrainedModel) => [
  userTowerGraph(towers),
  postTowerGraph(towers),
  dlrmGraph(dlrm),
];

test("each whole day becomes a file, and its partition goes", async () => {
  await archiveDays(context, { folder, store: folderStore(folder), before: await archivableUntil(pool) });
  assert.deepEqual(await rowsOfLog(), []);
  const parts = await archivedParts(pool);
  assert.ok(parts.length > 10, `${parts.length}`);
  assert.equal(
    parts.reduce((sum, { rows }) => sum + rows, 0),
    (logged as unknown[]).length,
  );
  assert.ok(parts.some(({ promoted, rows }) => promoted > 0 && promoted < rows));
  const { rows } = await pool.query(
    "select count(*)::int as n from recsys_engine.impression_partitions where next <= recsys.clock() - interval '31 days'",
  );
  assert.equal(rows[0].n, 0);
});

test("training reads the same lessons of the files, row for row, and leaves nothing in the table", async () => {
  const again = await communityFromDatabase(database);
  assert.ok(loaded.pages.length > 500 && (loaded.community.pushed?.size ?? 0) > 10);
  assert.deepEqual(again, loaded);
  assert.deepEqual(await rowsOfLog(), []);
  const { rows } = await pool.query("select pg_relation_size('recsys_engine.impressions_default')::int as bytes");
  assert.equal(rows[0].bytes, 0);
  const [one, two] = [graphsOf(await train(loaded)), graphsOf(await train(again))];
  assert.deepEqual(two, one, "and trains the same weights");
});

test("a report of an experiment reads its days of the files, and leaves nothing in the table", async () => {
  const days = await daysOfExperiment(pool, "e");
  assert.ok(days?.to);
  const { onProgress } = context;
  assert.deepEqual(await readingDays(database, { ...days, onProgress }, reportNow), report);
  assert.match(printedReport, /control: [1-9]\d* people/);
  assert.equal(await reportCommand(), printedReport);
  assert.deepEqual(await rowsOfLog(), []);
  const earlier = { from: days.from, to: days.from, onProgress };
  assert.notDeepEqual(await readingDays(database, earlier, reportNow), report);
  assert.equal(await daysOfExperiment(pool, "none"), undefined);
});

test("what was restored is what was there, and reports say the same", async () => {
  assert.notDeepEqual(await reportNow(), report);
  const days = (await archivedParts(pool)).map(({ day }) => day);
  await restoreDays(context, days[0], days[days.length - 1]);
  assert.deepEqual(await rowsOfLog(), logged);
  assert.deepEqual(await reportNow(), report);
  assert.deepEqual(await communityFromDatabase(database), loaded, "no row is read twice");
});
