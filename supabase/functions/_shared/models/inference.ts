/** Which ONNX Runtime runs the graphs. This file is the only one that knows there are three; all give the same scores. */

import type { Tensor } from "../features/tensors.ts";
import { createSession as createExecutorSession, type InferenceSession } from "./onnx-executor/session.ts";

export type { InferenceSession };

export interface Runtime {
  name: RuntimeName;
  /** Loads a graph from its ONNX bytes; throws when they are not ONNX. */
  createSession(onnx: Uint8Array): Promise<InferenceSession>;
}

/** platform: what the hosted edge runtime has built in. executor: ours, in TypeScript, which runs anywhere. */
export type RuntimeName = "platform" | "onnxruntime-node" | "executor";

/** The first runtime that is available, or the one asked for; throws when that one is missing. */
export async function loadRuntime(only?: RuntimeName): Promise<Runtime> {
  for (const name of only ? [only] : (["platform", "onnxruntime-node", "executor"] as const)) {
    const runtime = await loaders[name]();
    if (runtime) return runtime;
  }
  throw new Error(`the ONNX runtime ${only} is not there`);
}

/*
 * One thread: a second makes no feed faster (0.6 ms either way for 850 candidates) and spins on after it, 3 to 5 ms that the
 * database could use. See `npm run bench -- dlrm`.
 */
const loaders: Record<RuntimeName, () => Promise<Runtime | undefined>> = {
  async platform() {
    const ort = (globalThis as Record<symbol, unknown>)[Symbol.for("onnxruntime")];
    // ONE argument: the platform's runtime misreads options
    return ort ? fromOnnxRuntime("platform", ort as OnnxRuntime, []) : undefined;
  },
  async "onnxruntime-node"() {
    // not a literal, so that the bundler of Edge Functions leaves out a native module that could not load there
    const specifier = ["onnxruntime", "node"].join("-");
    try {
      const module = await import(specifier);
      return fromOnnxRuntime("onnxruntime-node", module.default ?? module, [{ intraOpNumThreads: 1 }]);
    } catch {
      return undefined;
    }
  },
  async executor() {
    return { name: "executor", createSession: createExecutorSession };
  },
};

/** The API that onnxruntime-node and the platform have in common. */
interface OnnxRuntime {
  InferenceSession: { create(onnx: Uint8Array, ...options: SessionOptions): Promise<OnnxSession> };
  Tensor: new (type: string, data: Tensor["data"], dims: number[]) => OnnxTensor;
}

type SessionOptions = [] | [{ intraOpNumThreads: number }];

interface OnnxSession {
  inputNames: readonly string[];
  outputNames: readonly string[];
  run(feeds: Record<string, OnnxTensor>): Promise<Record<string, OnnxTensor>>;
}

interface OnnxTensor {
  type: string;
  data: unknown;
  dims: readonly number[];
}

function fromOnnxRuntime(name: RuntimeName, ort: OnnxRuntime, options: SessionOptions): Runtime {
  return {
    name,
    async createSession(onnx) {
      const session = await ort.InferenceSession.create(onnx, ...options);
      return {
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        async run(feeds) {
          const inputs = mapValues(feeds, ({ type, data, dims }) => new ort.Tensor(type, data, dims));
          return mapValues(await session.run(inputs), (output) => output as Tensor);
        },
      };
    },
  };
}

function mapValues<From, To>(values: Record<string, From>, to: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, to(value)]));
}
