/**
 * How fast training goes, in examples per second: the step of the two towers and of the DLRM on native, WASM and plain
 * JavaScript, and beside them the towers' step in PyTorch where `python3` has it. `npm run bench -- train [STEPS]`.
 * Each runs in a process of its own; a step's time is the median of all but the first quarter.
 */
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { dimensions, historyLength } from "../supabase/functions/_shared/features/history.ts";
import { postFields, tokenRows, userFields } from "../supabase/functions/_shared/features/tokens.ts";
import { postNumbers, userNumbers } from "../supabase/functions/_shared/features/tower-inputs.ts";
import { communityFromBundle } from "../trainer/community/testing-bundle.ts";
import { randomExamples, randomVectors, testOptions } from "../trainer/dlrm/testing.ts";
import { trainDlrm } from "../trainer/dlrm/train.ts";
import { type Backend, backends, startBackend } from "../trainer/engine/backend.ts";
import { Random } from "../trainer/engine/random.ts";
import { writeSyntheticCommunity } from "../trainer/synthetic/write-synthetic-community.ts";
import { towerDefaults } from "../trainer/towers/hyperparameters.ts";
import { TowerData } from "../trainer/towers/model.ts";
import { positivesBefore } from "../trainer/towers/positives.ts";
import { trainTowers } from "../trainer/towers/train.ts";
import { inOwnProcess, openFolder, openScope } from "./shared/place.ts";
import { Times } from "./shared/times.ts";

/** What a process measures: milliseconds per step, and what PyTorch needs to know to do the same. */
interface Measured {
  towers: number;
  dlrm: number;
  shapes: { users: number; posts: number; userTokens: number; postTokens: number };
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
  const bundle = await openFolder(scope);
  await writeSyntheticCommunity(bundle, { seed: 1 });
  const { batch, uniformNegatives } = towerDefaults;
  console.log(`two towers: ${batch} positives and ${uniformNegatives} uniform negatives per step; ${steps} steps`);
  console.log(`DLRM: ${testOptions.batch} requests of ${dlrmRows} posts per step\n`);
  let shapes: Measured["shapes"] | undefined;
  for (const backend of backends) {
    const found = await inProcess(backend, bundle, backend === "js" ? Math.ceil(steps / 6) : steps);
    if (!found) continue;
    shapes = found.shapes;
    print(backend, found.towers, batch, "positives");
    print("", found.dlrm, testOptions.batch * dlrmRows, "DLRM rows");
  }
  if (shapes) pytorch(shapes, steps);
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
  const data = new TowerData(community);
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
    trainDlrm(examples, split, randomVectors(random, dlrmRows), { ...testOptions, epochs: 1 }, onProgress, signal),
  );
  const { users, posts } = community;
  return {
    towers,
    dlrm,
    shapes: {
      users: users.ids.length,
      posts: posts.ids.length,
      userTokens: Math.round(data.userBags.tokens / users.ids.length),
      postTokens: Math.round(data.postBags.tokens / posts.ids.length),
    },
  };
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

/** The faster of one thread and all: where other work shares the machine, PyTorch's threads wait for each other. */
function pytorch(shapes: Measured["shapes"], steps: number): void {
  const { batch, uniformNegatives, temperature, hidden } = towerDefaults;
  const settings = {
    ...shapes,
    ...{ batch, uniform: uniformNegatives, temperature, tokenRows, dimensions, history: historyLength, hidden, steps },
    ...{ userFields: userFields.length, postFields: postFields.length },
    ...{ userNumbers: userNumbers.length, postNumbers: postNumbers.length },
  };
  const script = fileURLToPath(new URL("two-tower-step.py", import.meta.url));
  // Debian's package belongs to the system's own Python, whatever else comes first in PATH
  for (const python of ["python3", "/usr/bin/python3"]) {
    const times = [1, availableParallelism()].flatMap((threads) => {
      const { status, stdout } = spawnSync(python, [script, JSON.stringify({ ...settings, threads })], {
        encoding: "utf8",
      });
      return status === 0 ? [{ threads, milliseconds: Number(stdout) }] : [];
    });
    if (times.length === 0) continue;
    const { threads, milliseconds } = times.reduce((a, b) => (b.milliseconds < a.milliseconds ? b : a));
    print(`PyTorch, ${threads} thread${threads > 1 ? "s" : ""}`, milliseconds, batch, "positives");
    return;
  }
  console.log(
    "PyTorch: skipped, python3 cannot import torch (Debian: apt-get install python3-torch libopenblas0-pthread)",
  );
}
