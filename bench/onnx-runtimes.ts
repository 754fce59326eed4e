/**
 * How long the ONNX runtimes take for the ranker over 500 candidates and for the towers, on one thread:
 * `npm run bench -- onnx-runtimes`. Each native one runs in a process of its own, in which its time is measured; the executor here, and
 * in Deno. With the argument `executor` this measures the executor alone.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { GraphName } from "../supabase/functions/_shared/models/contracts.ts";
import { platformPackage } from "../trainer/onnx/platform-runtime.ts";
import { type RandomModel, randomModel } from "../trainer/onnx/random-models.ts";
import { executor, onnxRuntime, type Runtime } from "../trainer/onnx/runtimes.ts";
import { load as loadNow, processorTime, Times } from "./shared/times.ts";

const runs = 300;
/** The first runs, in which a program in JavaScript is still being compiled; processor time leaves them out. */
const warmUp = 50;
const works: [graph: GraphName, count: number][] = [
  ["dlrm", 500],
  ["dlrm", 100],
  ["user_tower", 1],
  ["post_tower", 500],
];
const executorAlone = process.argv[2] === "executor";

if (!executorAlone) {
  console.log(loadNow());
  for (const [graph, count] of works)
    for (const packageName of ["onnxruntime-node", platformPackage]) {
      const inside: number[] = [];
      const runtime = onnxRuntime(packageName, (milliseconds) => inside.push(milliseconds));
      const { load } = await measure(runtime, randomModel(graph, 1), count);
      report(packageName, graph, count, load, inside);
      runtime.close();
    }
}
for (const [graph, count] of works) {
  const { load, times, processor } = await measure(executor, randomModel(graph, 1), count);
  report(`executor, ${"Deno" in globalThis ? "Deno" : "Node"}`, graph, count, load, times, processor);
}
if (!executorAlone) {
  const [deno, bench] = ["../node_modules/.bin/deno", import.meta.url].map((to) =>
    fileURLToPath(new URL(to, import.meta.url)),
  );
  const { status } = spawnSync(deno, ["run", "--allow-all", "--no-check", bench, "executor"], { stdio: "inherit" });
  if (status !== 0) throw new Error(`Deno ended with ${status}`);
}

async function measure(runtime: Runtime, model: RandomModel, count: number) {
  const feeds = model.feeds(count);
  const started = performance.now();
  const run = await runtime.load(model.bytes);
  const load = performance.now() - started;
  const times: number[] = [];
  let used = 0;
  for (let index = 0; index < runs; index++) {
    if (index === warmUp) used = processorTime(process.pid);
    const begun = performance.now();
    await run(feeds);
    times.push(performance.now() - begun);
  }
  return { load, times, processor: (processorTime(process.pid) - used) / (runs - warmUp) };
}

function report(name: string, graph: GraphName, count: number, load: number, times: number[], processor?: number) {
  const all = new Times(times);
  const [fastest, median, p95] = [0, 0.5, 0.95].map((share) => all.quantile(share));
  const columns = { load, first: times[0], fastest, median, p95, ...(processor !== undefined && { processor }) };
  const figures = Object.entries(columns).map(([column, time]) => `${column} ${time.toFixed(2).padStart(7)} ms`);
  console.log(`${name.padEnd(24)} ${`${graph}, ${count}`.padEnd(16)} ${figures.join("   ")}`);
}
