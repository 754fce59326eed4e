/** Which ONNX Runtime runs the graphs. This file is the only one that knows there are two; both give the same scores. */
import type { Feeds, Tensor } from "../features/tensors.ts";

/** Loads graphs, to be run. */
export interface Runtime {
  /** Loads a graph from its ONNX bytes; throws when they are not ONNX. */
  createSession(onnx: Uint8Array): Promise<InferenceSession>;
}

/** A graph that is ready to run. Never run it with N = 0: the platform's runtime returns nothing then. */
export interface InferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Takes one tensor for each input name, gives one for each output name. */
  run(feeds: Feeds): Promise<Record<string, Tensor>>;
}

/**
 * What the hosted edge runtime has built in, elsewhere onnxruntime-node, on one thread: a second makes no feed faster (0.6 ms
 * either way for 850 candidates) and spins on after it, 3 to 5 ms that the database could use (`npm run bench -- dlrm`).
 * Throws where neither is there.
 */
export async function loadRuntime(): Promise<Runtime> {
  const platform = (globalThis as Record<symbol, unknown>)[Symbol.for("onnxruntime")];
  // ONE argument: the platform's runtime misreads options
  if (platform) return fromOnnxRuntime(platform as OnnxRuntime, []);
  return fromOnnxRuntime(await loadNative(), [{ intraOpNumThreads: 1 }]);
}

async function loadNative(): Promise<OnnxRuntime> {
  // not a literal, so that the bundler of Edge Functions leaves out a native module that could not load there
  const specifier = ["onnxruntime", "node"].join("-");
  try {
    const module = await import(specifier);
    return module.default ?? module;
  } catch (cause) {
    const why = "there is no ONNX Runtime: this host has none built in, and onnxruntime-node cannot be loaded";
    throw new Error(why, { cause });
  }
}

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

function fromOnnxRuntime(ort: OnnxRuntime, options: SessionOptions): Runtime {
  return {
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
