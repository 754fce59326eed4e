/**
 * How many pairs of user and post a second of one core the ranker's graph takes, beside plain products of as many
 * multiplications; and what a second thread and spinning cost: `npm run bench:dlrm`. Variants run by turns in one process.
 * Processor time, so that other work on the machine disturbs little.
 */
import { loadavg } from "node:os";
import ort from "onnxruntime-node";
import { categories } from "../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../supabase/functions/_shared/features/history.ts";
import { loadRuntime } from "../supabase/functions/_shared/models/inference.ts";
import { type Feeds, float32 } from "../supabase/functions/_shared/models/tensors.ts";
import { denseWidth } from "../trainer/dlrm/dense-features.ts";
import { heads } from "../trainer/dlrm/network.ts";
import { dlrmDefaults } from "../trainer/dlrm/train.ts";
import { GraphBuilder } from "../trainer/onnx/graph-builder.ts";
import { randomModel } from "../trainer/onnx/random-models.ts";

const turns = 15;
const model = randomModel("dlrm", 1);

/** What the equations of dlrm/network.ts multiply for one candidate. */
const { bottomHidden, topHidden } = dlrmDefaults;
const slots = 3 + categories.length;
const dots = (slots * (slots - 1)) / 2;
const multiplications =
  denseWidth * (bottomHidden + heads) +
  bottomHidden * dimensions +
  dots * dimensions +
  (dimensions + dots) * topHidden[0] +
  topHidden[0] * topHidden[1] +
  topHidden[1] * heads;

/** The graph of the floor: products [N, 64] · [64, 64] one after the other, of as many multiplications. */
const width = 64;
function floor(): Uint8Array {
  const g = new GraphBuilder("floor");
  let x = g.input("x", "float32", ["N", width]);
  const weights = g.weights(new Float32Array(width * width).fill(1 / width), [width, width]);
  for (let i = 0; i < Math.round(multiplications / width ** 2); i++) x = g.matMul(x, weights);
  g.output("y", x, ["N", width]);
  return g.build();
}

const { createSession } = await loadRuntime("onnxruntime-node");
const graph = await createSession(model.bytes);
const products = await createSession(floor());
console.log(`${multiplications} multiplications a pair; load ${loadavg()[0].toFixed(1)}`);
for (const n of [500, 1000, 4000]) {
  const feeds = model.feeds(n);
  const x: Feeds = { x: float32(new Float32Array(n * width).fill(1), [n, width]) };
  const [ours, theirs] = await byTurns(Math.ceil(100_000 / n), [() => graph.run(feeds), () => products.run(x)]);
  const [pairs, most] = [ours, theirs].map(({ processor }) => Math.round((1000 * n) / processor));
  console.log(
    `${n} candidates: ${pairs.toLocaleString("en")} pairs a second and core, ${ours.processor.toFixed(2)} ms a run; products alone ${most.toLocaleString("en")}`,
  );
}

console.log("\n850 candidates, milliseconds a run: wall and processor time, one after the other; with pauses of 10 ms");
const feeds = Object.fromEntries(
  Object.entries(model.feeds(850)).map(([name, { type, data, dims }]) => [
    name,
    new ort.Tensor(type, data as Float32Array, dims),
  ]),
);
const threads = {
  "one thread": { intraOpNumThreads: 1 },
  "two threads, spinning": { intraOpNumThreads: 2 },
  "two threads": { intraOpNumThreads: 2, extra: { session: { intra_op: { allow_spinning: "0" } } } },
};
for (const [name, options] of Object.entries(threads)) {
  // one at a time: the threads of another session would spin beside it
  const session = await ort.InferenceSession.create(model.bytes, options);
  const [busy] = await byTurns(50, [() => session.run(feeds)]);
  const [paused] = await byTurns(5, [() => session.run(feeds)], 10);
  await session.release();
  const columns = [busy, paused].flatMap(({ wall, processor }) => [wall.toFixed(2), processor.toFixed(2)]);
  console.log(`${name.padEnd(24)}${columns.map((column) => column.padStart(8)).join("")}`);
}

/** Median wall time of a run, without the pause after it, and median processor time over turns of `runs` runs each; in milliseconds. */
async function byTurns(runs: number, works: (() => Promise<unknown>)[], pause = 0) {
  const taken = works.map(() => ({ wall: [] as number[], processor: [] as number[] }));
  for (const work of works) for (let i = 0; i < 50; i++) await work();
  for (let turn = 0; turn < turns; turn++)
    for (const [w, work] of works.entries()) {
      const before = process.cpuUsage();
      for (let i = 0; i < runs; i++) {
        const started = performance.now();
        await work();
        taken[w].wall.push(performance.now() - started);
        if (pause > 0) await new Promise((done) => setTimeout(done, pause));
      }
      const { user, system } = process.cpuUsage(before);
      taken[w].processor.push((user + system) / 1000 / runs);
    }
  return taken.map(({ wall, processor }) => ({ wall: median(wall), processor: median(processor) }));
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1];
}
