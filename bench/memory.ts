/**
 * How much memory a training takes, and how long each of its stages, as a community gathers interactions:
 * `npm run bench:memory [-- INTERACTIONS …]`. The same 10,000 people and 20,000 posts are watched for longer and longer. Each
 * community goes into a database of its own, on PostgreSQL where one answers or else embedded, and is trained on by a
 * process of its own, whose peak resident memory is what counts.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openDatabase } from "../db/connect.ts";
import { importBundle } from "../db/import/import-bundle.ts";
import { openEmbeddedCopy } from "../db/testing-embedded.ts";
import { openPostgresCopy, testServer } from "../db/testing-postgres.ts";
import { train } from "../trainer/commands/train.ts";
import { StepMeter } from "../trainer/evaluation/step-meter.ts";
import { writeSyntheticCommunity } from "../trainer/synthetic/write-synthetic-community.ts";

const people = { users: 10_000, posts: 20_000 };
const interactionsADay = 11_000;
const stages = ["reading the timeline", "two-tower training", "ranking examples", "DLRM training"];

interface Measured {
  megabytes: number;
  /** Of each stage. */
  seconds: number[];
  /** Of the process, whatever else the machine did. */
  processorSeconds: number;
}

const [first, second] = process.argv.slice(2);
if (first === "train") {
  console.log(JSON.stringify(await measureTraining(second)));
} else {
  const sizes = process.argv.slice(2).map(Number);
  print(["interactions", "logins", "import, s", "peak, MB", ...stages.map((stage) => `${stage}, s`), "processor, s"]);
  for (const size of sizes.length > 0 ? sizes : [250_000, 500_000, 1_000_000, 2_000_000]) await measure(size);
}

async function measure(size: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bench-memory-"));
  const server = await testServer();
  const database = server ? await openPostgresCopy(server, "memory") : await openEmbeddedCopy();
  try {
    const days = Math.round(size / interactionsADay);
    const { interactions, logins } = await writeSyntheticCommunity(folder, { seed: 1, ...people, days });
    const started = performance.now();
    await importBundle(database, folder);
    const imported = (performance.now() - started) / 1000;
    const { stdout } = await promisify(execFile)(process.execPath, [
      fileURLToPath(import.meta.url),
      "train",
      database.url,
    ]);
    const { megabytes, seconds, processorSeconds }: Measured = JSON.parse(stdout.trim().split("\n").at(-1) as string);
    print([interactions, logins, imported, megabytes, ...seconds, processorSeconds]);
  } finally {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureTraining(url: string): Promise<Measured> {
  const database = await openDatabase({ url });
  const out = await mkdtemp(join(tmpdir(), "bench-memory-model-"));
  const meter = new StepMeter();
  try {
    const { signal } = new AbortController();
    meter.begin(stages[0]);
    await train({ database, onProgress: meter.watch(() => {}), signal, print: console.log }, { seed: 1, out });
    const steps = new Map(meter.end().map(({ step, seconds }) => [step, seconds]));
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    return {
      megabytes: maxRSS / 1024,
      seconds: stages.map((stage) => steps.get(stage) ?? Number.NaN),
      processorSeconds: (userCPUTime + systemCPUTime) / 1e6,
    };
  } finally {
    await meter.close();
    await database.close();
    await rm(out, { recursive: true, force: true });
  }
}

function print(cells: (string | number)[]): void {
  console.log(cells.map((cell) => (typeof cell === "number" ? String(Math.round(cell)) : cell)).join(" | "));
}
