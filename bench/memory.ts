/**
 * Measures peak memory and stage times of import and training as interactions grow: `npm run bench -- memory [INTERACTIONS
 * …]`. The same 10,000 people and 20,000 posts are simulated longer and longer, each size in a database of its own.
 */
import { type Database, openDatabase } from "../db/connect.ts";
import { importBundle } from "../db/import/import-bundle.ts";
import type { OnProgress } from "../db/progress.ts";
import { testDatabase } from "../db/testing.ts";
import { writeSyntheticCommunity } from "../trainer/data/synthetic/write-synthetic-community.ts";
import { trainIntoFolder } from "../trainer/train-into-folder.ts";
import { ownProcessorTime } from "./shared/times.ts";
import { inOwnProcess, openFolder, openScope } from "./shared/workspace.ts";

const people = { users: 10_000, posts: 20_000 };
const interactionsPerDay = 11_000;
const stages = ["reading the timeline", "two-tower training", "ranking examples", "DLRM training"];

interface Measured {
  megabytes: number;
  /** Of each stage. */
  times: Time[];
}

/** Processor time is the process's own, whatever else the machine does; what the database takes shows in the wall time alone. */
interface Time {
  wall: number;
  processor: number;
}

const [first, url, folder] = process.argv.slice(2);
if (first === "import") {
  console.log(JSON.stringify(await measured(url, ["import"], (database) => importBundle(database, folder))));
} else if (first === "train") {
  console.log(JSON.stringify(await measured(url, stages, trainOnce)));
} else {
  const sizes = process.argv.slice(2).map(Number);
  const seconds = ["import", ...stages].map((stage) => `${stage}, s (processor)`);
  console.log(["interactions", "logins", "import, MB", "training, MB", ...seconds].join(" | "));
  for (const size of sizes.length > 0 ? sizes : [250_000, 500_000, 1_000_000, 2_000_000]) await measure(size);
}

async function measure(size: number): Promise<void> {
  await using scope = openScope();
  const folder = await openFolder(scope);
  const database = await testDatabase(scope, "memory");
  const days = Math.round(size / interactionsPerDay);
  const { interactions, logins } = await writeSyntheticCommunity(folder, { seed: 1, ...people, days });
  const imported = await inOwnProcess<Measured>(import.meta.url, "import", database.url, folder);
  const trained = await inOwnProcess<Measured>(import.meta.url, "train", database.url);
  const times = [...imported.times, ...trained.times].map(
    ({ wall, processor }) => `${wall.toFixed(0)} (${processor.toFixed(0)})`,
  );
  const megabytes = [imported, trained].map((each) => each.megabytes.toFixed(0));
  console.log([interactions, logins, ...megabytes, ...times].join(" | "));
}

/** A stage begins with the first progress it makes, the first of them at once; one that comes again adds to its time. */
async function measured(
  url: string,
  stages: string[],
  work: (database: Database, onProgress: OnProgress) => Promise<unknown>,
): Promise<Measured> {
  await using scope = openScope();
  const database = await openDatabase({ url });
  scope.after(() => database.close());
  const times = stages.map((): Time => ({ wall: 0, processor: 0 }));
  let stage = 0;
  let before = now();
  const begin = (next: number) => {
    const { wall, processor } = now();
    times[stage].wall += wall - before.wall;
    times[stage].processor += processor - before.processor;
    before = { wall, processor };
    stage = next;
  };
  await work(database, ({ step }) => {
    const next = stages.indexOf(step);
    if (next >= 0 && next !== stage) begin(next);
  });
  begin(0);
  return { megabytes: process.resourceUsage().maxRSS / 1024, times };
}

async function trainOnce(database: Database, onProgress: OnProgress): Promise<void> {
  await using scope = openScope();
  const { signal } = new AbortController();
  const parent = await openFolder(scope);
  await trainIntoFolder({ database, onProgress, signal, print: console.log }, { seed: 1, parent });
}

function now(): Time {
  return { wall: performance.now() / 1000, processor: ownProcessorTime() };
}
