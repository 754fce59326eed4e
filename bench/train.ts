/**
 * Measures training in examples per second, of the towers and the DLRM on native, WASM and plain JavaScript: `npm
 * run bench -- train [STEPS]`. Each runs in its own process; a step's time is the median without the first quarter.
 */
import { communityFromBundle } from "../trainer/data/replay/testing-bundle.ts";
import { type Backend, backends, startBackend } from "../trainer/models/nn/backend.ts";
import { Random } from "../trainer/models/nn/random.ts";
import { randomExamples, testOptions } from "../trainer/models/ranker/testing.ts";
import { trainDlrm } from "../trainer/models/ranker/train.ts";
import { towerDefaults } from "../trainer/models/towers/hyperparameters.ts";
import { positivesBefore } from "../trainer/models/towers/positives.ts";
import { trainTowers } from "../trainer/models/towers/train.ts";
import { Times } from "./shared/times.ts";
import { benchmarkBundle, inOwnProcess, openScope } from "./shared/workspace.ts";

/** What a process measures: milliseconds per step. */
interface Measured {
  towers: number;
  dlrm: number;
}

const dlrmRows = 64;
const [first, folder, wantedSteps] = process.argv.slice(2);
if (backends.some((backend) => backend === first)) {
  console.log(JSON.stringify(await measure(first as Backend, folder, Number(wantedSteps))));
} else {
  await compare(Number(first ?? 120));
}

async function compare(steps: number): Promise<void> {
  await using scope = openScope();
  const bundle = await benchmarkBundle(scope);
  const { batch, uniformNegatives } = towerDefaults;
  console.log(`two towers: ${batch} positives and ${uniformNegatives} uniform negatives per step; ${steps} steps`);
  console.log(`DLRM: ${testOptions.batch} requests of ${dlrmRows} posts per step\n`);
  for (const backend of backends) {
    const found = await inProcess(backend, bundle, backend === "js" ? Math.ceil(steps / 6) : steps);
    if (!found) continue;
    print(backend, found.towers, batch, "positives");
    print("", found.dlrm, testOptions.batch * dlrmRows, "DLRM rows");
  }
}

function print(name: string, milliseconds: number, examples: number, what: string): void {
  const rate = Math.round((1000 * examples) / milliseconds);
  console.log(`${name.padEnd(22)} ${milliseconds.toFixed(1).padStart(7)} ms per step   ${rate} ${what}/s`);
}

async function inProcess(backend: Backend, bundle: string, steps: number): Promise<Measured | undefined> {
  try {
    return await inOwnProcess(import.meta.url, backend, bundle, String(steps));
  } catch (error) {
    console.log(
      `${backend}: skipped, ${String(error)
        .split("\n")
        .findLast((line) => /Error/.test(line))}`,
    );
    return undefined;
  }
}

async function measure(backend: Backend, bundle: string, steps: number): Promise<Measured> {
  await startBackend(backend);
  const community = await communityFromBundle(bundle);
  const until = Number.POSITIVE_INFINITY;
  const perEpoch = Math.ceil(positivesBefore(community, until).at.length / towerDefaults.batch);
  const towers = await medianStep(steps, (onProgress, signal) =>
    trainTowers(
      community,
      { ...towerDefaults, seed: 1, until, epochs: Math.ceil(steps / perEpoch) },
      onProgress,
      signal,
    ),
  );
  const random = new Random(1);
  const requests = testOptions.batch * steps;
  const examples = randomExamples(random, requests, dlrmRows);
  const training = Uint32Array.from({ length: requests }, (_, request) => request);
  const split = { training, heldOut: training.subarray(0, testOptions.batch) };
  const dlrm = await medianStep(steps, (onProgress, signal) =>
    trainDlrm(examples, split, { ...testOptions, epochs: 1 }, onProgress, signal),
  );
  return { towers, dlrm };
}

/** The time between two progress reports of a training that is stopped after `steps`, the median of the last three quarters. */
async function medianStep(
  steps: number,
  train: (onProgress: () => void, signal: AbortSignal) => Promise<unknown>,
): Promise<number> {
  const stop = new AbortController();
  const times: number[] = [];
  let last = performance.now();
  const onProgress = () => {
    const now = performance.now();
    times.push(now - last);
    last = now;
    if (times.length >= steps) stop.abort();
  };
  await train(onProgress, stop.signal).catch((error) => {
    if (error.name !== "AbortError") throw error;
  });
  return new Times(times.slice(Math.floor(times.length / 4))).median;
}
