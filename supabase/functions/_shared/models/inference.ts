/** Which ONNX Runtime runs the graphs. This file is the only one that knows there are two; both give the same scores. */
import type { Feeds, Tensor } from "../features/tensors.ts";
import { tokenRowsOf } from "./token-rows.ts";

/** Loads graphs, to be run. */
export interface Runtime {
  /** Loads a graph from its ONNX bytes; throws when they are not ONNX. */
  createSession(onnx: Uint8Array): Promise<InferenceSession>;
}

/** A graph that is ready to run. Never run it with N = 0: the platform's runtime returns nothing then. */
export interface InferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Of a tower: how many rows its table of words has. */
  readonly tokenRows?: number | undefined;
  /** Takes one tensor for each input name, gives one for each output name. */
  run(feeds: Feeds): Promise<Record<string, Tensor>>;
}

/** What the hosted edge runtime has built in, elsewhere onnxruntime-node. Throws where neither is there. */
export async function loadRuntime(): Promise<Runtime> {
  const platform = (globalThis as Record<symbol, unknown>)[Symbol.for("onnxruntime")];
  return platform ? fromPlatform(platform as OnnxRuntime) : fromBinding(await loadBinding());
}

/** As much of the API of onnxruntime-web as the platform's runtime has. */
interface OnnxRuntime {
  InferenceSession: { create(onnx: Uint8Array): Promise<OnnxSession> };
  Tensor: new (type: string, data: Tensor["data"], dims: number[]) => Tensor;
}

interface OnnxSession {
  inputNames: readonly string[];
  outputNames: readonly string[];
  run(feeds: Feeds): Promise<Record<string, unknown>>;
}

function fromPlatform({ InferenceSession, Tensor }: OnnxRuntime): Runtime {
  return {
    async createSession(onnx) {
      // ONE argument: the platform's runtime misreads options
      const session = await InferenceSession.create(onnx);
      return {
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        tokenRows: tokenRowsOf(onnx),
        async run(feeds) {
          const inputs = mapValues(feeds, ({ type, data, dims }) => new Tensor(type, data, dims));
          return mapValues(await session.run(inputs), (output) => output as Tensor);
        },
      };
    },
  };
}

/** What onnxruntime-node is built on. */
interface Binding {
  binding: { InferenceSession: new () => BoundSession };
}

interface BoundSession {
  loadModel(buffer: ArrayBufferLike, start: number, length: number, options: { intraOpNumThreads: number }): void;
  inputNames: readonly string[];
  outputNames: readonly string[];
  run(feeds: Record<string, Placed>, fetches: Record<string, null>, options: object): Record<string, Tensor>;
}

/** A tensor that says where its numbers are. */
type Placed = Tensor & { location: "cpu" };
const placed = (tensor: Tensor): Placed => ({ ...tensor, location: "cpu" });

/**
 * The release that the platform is built from. Release 1.30 made each feed as fast, and took 43 MB of a worker's memory instead of 29.
 *
 * The package's own `run` only waits for `setImmediate` before this, for which Deno sets a timer of 1.1 ms, and a feed runs two
 * graphs of 0.03 and 0.4 ms.
 */
async function loadBinding(): Promise<Binding> {
  // not a literal, so that the bundler of Edge Functions leaves out a native module that could not load there
  const specifier = ["onnxruntime-node", "dist", "binding.js"].join("/");
  try {
    const module = await import(specifier);
    return module.default ?? module;
  } catch (cause) {
    const why = "there is no ONNX Runtime: this host has none built in, and onnxruntime-node cannot be loaded";
    throw new Error(why, { cause });
  }
}

function fromBinding({ binding }: Binding): Runtime {
  return {
    async createSession(onnx) {
      const session = new binding.InferenceSession();
      // a second thread makes no feed faster (0.6 ms either way for 850 candidates) and spins on after it, 3 to 5 ms that the
      // database could use (`npm run bench -- dlrm`)
      session.loadModel(onnx.buffer, onnx.byteOffset, onnx.byteLength, { intraOpNumThreads: 1 });
      const { inputNames, outputNames } = session;
      const fetches = Object.fromEntries(outputNames.map((name) => [name, null]));
      return {
        inputNames,
        outputNames,
        tokenRows: tokenRowsOf(onnx),
        run: async (feeds) => session.run(mapValues(feeds, placed), fetches, {}),
      };
    },
  };
}

function mapValues<From, To>(values: Record<string, From>, to: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, to(value)]));
}
