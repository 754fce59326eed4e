/** Several ranks train as one, and what a killed one leaves is enough to resume. */
import assert from "node:assert/strict";
import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { createReverseScope, eitherDatabase } from "../../db/testing.ts";
import { startBackend } from "../models/nn/backend.ts";
import { temporaryFolder } from "../testing.ts";
import { exportData, exportForRanker } from "./export-data.ts";
import { readSafetensors } from "./safetensors.ts";
import { wholeExport } from "./shard.ts";
import {
  exportContext,
  exportOptions,
  fillCommunityToExport,
  quickConfig,
  requireSuccess,
  runCluster,
  withoutTorch,
} from "./testing.ts";

let exported: string;
/** The same with the examples that the towers of one rank bring the ranker. */
let forRanker: string;
/** What one rank makes of the data in two lanes: the weights of the towers, and the ranker's losses on held-out requests. */
const alone = { towers: {} as Weights, ranker: [] as number[] };
const how = ["--batch", "32", "--lanes", "2", "--steps", "100"];

type Weights = Record<string, Float32Array>;

const scope = createReverseScope({ after });

before(async () => {
  if (withoutTorch) return;
  await startBackend();
  const database = await eitherDatabase(scope, "ranks");
  await fillCommunityToExport(scope, database);
  exported = await temporaryFolder(scope);
  const longer = { ...quickConfig.towers, epochsOf: { before: 9, others: 9 } };
  const config = { ...quickConfig, towers: { ...longer, withPages: { ...longer.withPages, epochs: 9 } } };
  const context = exportContext(database);
  await exportData(context, exportOptions(exported, { config }));
  forRanker = await copy();
  await ran("train.py", [join(forRanker, "towers"), ...how]);
  alone.towers = await weightsIn(forRanker);
  await exportForRanker(context, forRanker, wholeExport);
  const folder = await copy(forRanker);
  await ran("train.py", [join(folder, "ranker"), ...how]);
  alone.ranker = await lossesIn(folder);
});

const ran = async (...run: Parameters<typeof runCluster>) => requireSuccess(await runCluster(...run));

async function copy(from = exported): Promise<string> {
  const folder = await temporaryFolder(scope);
  await cp(from, folder, { recursive: true });
  return folder;
}

async function weightsIn(folder: string): Promise<Weights> {
  const { tensors } = await readSafetensors(join(folder, "towers", "weights.safetensors"));
  return Object.fromEntries(Object.entries(tensors).map(([name, { values }]) => [name, values]));
}

async function lossesIn(folder: string): Promise<number[]> {
  const { metadata } = await readSafetensors(join(folder, "ranker", "weights.safetensors"));
  return JSON.parse(metadata.held_out_losses);
}

/** The largest difference of any two weights. */
function difference(a: Weights, b: Weights): number {
  assert.deepEqual(Object.keys(a).sort(), Object.keys(b).sort());
  let most = 0;
  for (const [name, values] of Object.entries(a))
    for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i] - b[name][i]));
  return most;
}

/**
 * The rankers are compared by their losses: what adds the same to all candidates of a request changes none of their shares, so the gradient of such a
 * weight is what was rounded, and Adam makes a whole step of that. They drift apart within tens of steps, in ways that cost nothing.
 */
test("two ranks make what one rank of the doubled batch makes", { skip: withoutTorch }, async () => {
  const [towers, ranker] = [await copy(), await copy(forRanker)];
  await ran("torchrun.sh", ["2", join(towers, "towers"), join(ranker, "ranker"), ...how]);
  const found = await weightsIn(towers);
  assert.ok(difference(found, alone.towers) < 1e-4, `after 100 steps ${difference(found, alone.towers)}`);
  assert.ok(Math.max(...found["user/output/weight"]) > 0.01, "they began at zero and have learned");
  const losses = await lossesIn(ranker);
  assert.ok(losses.length === 3 && losses[1] < losses[0] - 0.005, `${losses}`);
  const allowed = [1e-5, 0.003, 0.005];
  for (const [epoch, loss] of losses.entries())
    assert.ok(Math.abs(loss - alone.ranker[epoch]) < allowed[epoch], `${losses}, ${alone.ranker}`);
});

test("of a rank that is killed the run says so, and goes on from the checkpoint", { skip: withoutTorch }, async () => {
  const folder = await copy();
  const args = ["2", join(folder, "towers"), ...how, "--checkpoint", "10"];
  const output = await ran("torchrun.sh", args, { RESTARTS: "1" }, (pid) => void killOneRank(pid, folder));
  assert.match(output, /failed \(exitcode: -9\) local_rank: 1 /);
  const [, step] = /^resumes at step (\d+) of \d+$/m.exec(output) ?? [];
  assert.ok(Number(step) >= 10 && Number(step) < 100, output);
  const found = await weightsIn(folder);
  assert.ok(difference(found, alone.towers) < 1e-4, `${difference(found, alone.towers)}`);
});

/** Kills the second rank, which torchrun has started, once there is a checkpoint. */
async function killOneRank(torchrun: number, folder: string): Promise<void> {
  for (;;) {
    if ((await readdir(join(folder, "towers"))).includes("weights.checkpoint")) break;
    await wait(5);
  }
  const ranks = await childrenOf(torchrun);
  process.kill(ranks[1], "SIGKILL");
}

async function childrenOf(parent: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    // the name in brackets may hold blanks
    if (Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]) === parent) found.push(Number(name));
  }
  return found.sort((a, b) => a - b);
}
