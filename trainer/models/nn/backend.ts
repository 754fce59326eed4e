/**
 * Which TensorFlow.js backend trains: the native library where @tensorflow/tfjs-node has it, else WebAssembly, else
 * plain JavaScript. Only the dense layers run on it; embedding tables live in typed arrays (embedding-table.ts).
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";
// tfjs-core alone has no gradients; the whole package registers them (and the plain JavaScript backend) with it
import "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { speedUpReluGradient } from "./relu-gradient.ts";
import { speedUpMatMul } from "./wasm-mat-mul.ts";

export const backends = ["native", "wasm", "js"] as const;
export type Backend = (typeof backends)[number];

/** Starts a backend and returns its name; without a wish the first of native, wasm, js that loads. Throws where none does. */
export async function startBackend(wish?: Backend): Promise<Backend> {
  if (wish) {
    await start(wish).catch((error) => {
      throw new Error(
        `backend ${wish} does not start here (${firstLine(error)}); leave out --backend to take the first that does`,
      );
    });
    return wish;
  }
  for (const backend of backends) {
    const started = await start(backend).then(
      () => true,
      () => false,
    );
    if (started) return backend;
  }
  throw new Error("no TensorFlow.js backend starts here; run npm install again");
}

async function start(backend: Backend): Promise<void> {
  if (backend === "native") await loadNative();
  if (backend === "wasm") {
    const wasm = await import("@tensorflow/tfjs-backend-wasm");
    const require = createRequire(import.meta.url);
    wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json"))}/dist/`);
    speedUpMatMul();
  }
  speedUpReluGradient();
  // no checks for NaN at each operation, and no advice on the console to install the native backend
  tf.enableProdMode();
  const name = { native: "tensorflow", wasm: "wasm", js: "cpu" }[backend];
  if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js has no backend ${name}`);
  await tf.ready();
}

async function loadNative(): Promise<void> {
  const require = createRequire(import.meta.url);
  // tfjs-node 4.22 still calls two helpers that Node 23 removed, or warns of
  const util = require("node:util");
  util.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  util.isArray = Array.isArray;
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  // tfjs-node prints a greeting through console.warn when another backend is there too
  require("@tensorflow/tfjs-node");
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n")[0];
}
