/**
 * How long the ONNX runtimes take for the ranker over 500 candidates and for the towers, on one thread:
 * `npm run bench -- onnx-runtimes`. Each runs in a process of its own, in which its time is measured; onnxruntime-node in Deno too.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { GraphName } from "../supabase/functions/_shared/models/contracts.ts";
import { loadRuntime, type Runtime } from "../supabase/functions/_shared/models/inference.ts";
import { platformPackage } from "../testing/onnx/platform-runtime.ts";
import { randomModel } from "../testing/onnx/random-models.ts";
import { onnxRuntime } from "../testing/onnx/runtimes.ts";
import { load as loadNow, Times } from "./shared/times.ts";

const runs = 300;
const works: [graph: GraphName, count: number][] = [
  ["dlrm", 500],
  ["dlrm", 100],
  ["user_tower", 1],
  ["post_tower", 500],
];

if ("Deno" in globalThis) {
  const runtime = await loadRuntime();
  for (const [graph, count] of works) await measure("onnxruntime-node, Deno", runtime, graph, count);
} else {
  console.log(loadNow());
  for (const [graph, count] of works)
    for (const packageName of ["onnxruntime-node", platformPackage]) {
      const inside: number[] = [];
      const runtime = onnxRuntime(packageName, (milliseconds) => inside.push(milliseconds));
      await measure(packageName, runtime, graph, count, inside);
      runtime.close();
    }
  const [deno, bench] = ["../node_modules/.bin/deno", import.meta.url].map((to) =>
    fileURLToPath(new URL(to, import.meta.url)),
  );
  const { status } = spawnSync(deno, ["run", "--allow-all", "--no-check", bench], { stdio: "inherit" });
  if (status !== 0) throw new Error(`Deno ended with ${status}`);
}

/** `inside`: where the runtime notes how long each run took; without it the time is that of the call. */
async function measure(name: string, runtime: Runtime, graph: GraphName, count: number, inside?: number[]) {
  const model = randomModel(graph, 1);
  const feeds = model.feeds(count);
  const started = performance.now();
  const session = await runtime.createSession(model.bytes);
  const load = performance.now() - started;
  const outside: number[] = [];
  for (let index = 0; index < runs; index++) {
    const begun = performance.now();
    await session.run(feeds);
    outside.push(performance.now() - begun);
  }
  const times = inside ?? outside;
  const all = new Times(times);
  const [fastest, median, p95] = [0, 0.5, 0.95].map((share) => all.quantile(share));
  const figures = Object.entries({ load, first: times[0], fastest, median, p95 }).map(
    ([column, time]) => `${column} ${time.toFixed(2).padStart(7)} ms`,
  );
  console.log(`${name.padEnd(24)} ${`${graph}, ${count}`.padEnd(16)} ${figures.join("   ")}`);
}
