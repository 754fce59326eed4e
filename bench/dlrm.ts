/**
 * How many pairs of user and post a second of one core the ranker's graph takes, beside plain products of as many
 * multiplications (serving/ranker.ts); and what a second thread and spinning cost: `npm run bench -- dlrm`.
 */
import ort from "onnxruntime-node";
import { randomModel } from "../testing/onnx/random-models.ts";
import { measureRanker } from "./serving/ranker.ts";
import { byTurns, load } from "./shared/times.ts";

console.log(load());
const { figures, details } = await measureRanker([500, 1000, 4000]);
console.log(details);
for (const { what, value, floor } of figures)
  console.log(
    `${what}: ${Math.round(value).toLocaleString("en")}; ${floor?.what} ${Math.round(floor?.value ?? 0).toLocaleString("en")}`,
  );

console.log("\n850 candidates, milliseconds a run: wall and processor time, one after the other; with pauses of 10 ms");
const model = randomModel("dlrm", 1);
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
