/**
 * How long the three ONNX runtimes take for a DLRM over 500 candidates and for one user's tower, on one thread:
 * `npm run bench:onnx`. Each native one runs in a process of its own, in which its time is measured.
 */
import { randomDlrm, randomTower } from "../trainer/onnx/random-models.ts";
import { executor, onnxRuntime, type Runtime } from "../trainer/onnx/runtimes.ts";

const runs = 300;
const models = [
  { name: "DLRM, 500 candidates", model: randomDlrm(1), count: 500 },
  { name: "DLRM, 100 candidates", model: randomDlrm(1), count: 100 },
  { name: "tower, 1 user", model: randomTower(1), count: 1 },
  { name: "tower, 500 posts", model: randomTower(1), count: 500 },
];

for (const { name, model, count } of models) {
  console.log(`${name} (${(model.bytes.length / 1e6).toFixed(2)} MB)`);
  const feeds = model.feeds(count);
  for (const packageName of ["onnxruntime-node", "onnxruntime-node-1.20.1"]) {
    const inside: number[] = [];
    const runtime = onnxRuntime(packageName, (milliseconds) => inside.push(milliseconds));
    const { load } = await measure(runtime);
    report(packageName, load, inside);
    runtime.close();
  }
  const { load, times } = await measure(executor);
  report("executor", load, times);

  async function measure(runtime: Runtime): Promise<{ load: number; times: number[] }> {
    const started = performance.now();
    const run = await runtime.load(model.bytes);
    const load = performance.now() - started;
    const times: number[] = [];
    for (let index = 0; index < runs; index++) {
      const begun = performance.now();
      await run(feeds);
      times.push(performance.now() - begun);
    }
    return { load, times };
  }
}

function report(name: string, load: number, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const [median, p95] = [0.5, 0.95].map((share) => sorted[Math.floor(share * sorted.length)]);
  const columns = { load, first: times[0], fastest: sorted[0], median, p95 };
  const figures = Object.entries(columns).map(([column, time]) => `${column} ${time.toFixed(2).padStart(7)} ms`);
  console.log(`  ${name.padEnd(24)} ${figures.join("   ")}`);
}
