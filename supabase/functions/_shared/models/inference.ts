/** Selects the ONNX Runtime for the graphs. Only this file knows that there are two; both give the same scores. */
import type { Feeds, Tensor } from "../features/tensors.ts";
import { tokenRowsOf } from "./token-rows.ts";

/** Loads graphs. */
export interface Runtime {
  /** Loads a graph from its ONNX bytes; throws if they are not ONNX. */
  createSession(onnx: Uint8Array): Promise<InferenceSession>;
}

/** A loaded graph. Never run it with N = 0: the platform's runtime returns nothing then. */
export interface InferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Number of rows in a tower's token table. */
  readonly tokenRows?: number | undefined;
  /** Takes one tensor per input name and returns one per output name. */
  run(feeds: Feeds): Promise<Record<string, Tensor>>;
}

/** The runtime built into the hosted edge runtime, or else onnxruntime-node. Throws if there is neither. */
export async function loadRuntime(): Promise<Runtime> {
  const platform = (globalThis as Record<symbol, unknown>)[Symbol.for("onnxruntime")];
  return platform ? fromPlatform(platform as OnnxRuntime) : fromBinding(await loadBinding());
}

/** The part of onnxruntime-web's API that the platform's runtime has. */
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

/** The native binding of onnxruntime-node. */
interface Binding {
  binding: { InferenceSession: new () => BoundSession };
}

interface BoundSession {
  loadModel(buffer: ArrayBufferLike, start: number, length: number, options: { intraOpNumThreads: number }): void;
  inputNames: readonly string[];
  outputNames: readonly string[];
  run(feeds: Record<string, Placed>, fetches: Record<string, null>, options: object): Record<string, Tensor>;
}

/** A tensor with the location of its data. */
type Placed = Tensor & { location: "cpu" };
const placed = (tensor: Tensor): Placed => ({ ...tensor, location: "cpu" });

/**
 * Loads the binding directly: the package's own `run` first waits for `setImmediate`, which costs about 1 ms in Deno.
 * The release is the one that the platform uses; 1.30 is as fast but takes more memory.
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
      // a second thread does not make feeds faster, and its spinning takes CPU time from
      // the database (`npm run bench -- dlrm`)
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
