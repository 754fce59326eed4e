/**
 * Plays what Supabase's edge runtime has built in as `globalThis[Symbol.for("onnxruntime")]`, over the release of ONNX Runtime
 * that it is built from: no more than its API, and its ways. What it would misread or die of is an error here.
 */
import type { Tensor as PlainTensor } from "../../supabase/functions/_shared/features/tensors.ts";

/** As much of the package as is used; it comes without types. */
interface Native {
  InferenceSession: { create(onnx: Uint8Array, options: { intraOpNumThreads: number }): Promise<NativeSession> };
  Tensor: new (type: string, data: PlainTensor["data"], dims: number[]) => PlainTensor;
}

interface NativeSession {
  inputNames: readonly string[];
  outputNames: readonly string[];
  run(inputs: Record<string, PlainTensor>): Promise<Record<string, PlainTensor>>;
}

const platformPackage: string = "onnxruntime-node";
export const platformKey = Symbol.for("onnxruntime");

const arrays = { float32: Float32Array, int64: BigInt64Array };

/** A tensor of the platform: its data are wrapped, and only tensors that a run gives back show them. */
class Tensor {
  readonly type: PlainTensor["type"];
  readonly data: { ty: string; c: PlainTensor["data"] };
  readonly dims: number[];
  readonly size: number;

  constructor(...args: unknown[]) {
    if (args.length !== 3) throw new TypeError(`a tensor of ${args.length} arguments, not 3`);
    const [type, data, dims] = args as [PlainTensor["type"], PlainTensor["data"], number[]];
    if (!Object.hasOwn(arrays, type)) throw new TypeError(`the platform refuses or misreads ${type}`);
    if (!(data instanceof arrays[type]))
      throw new TypeError(`data of a ${type} tensor that are no ${arrays[type].name}`);
    this.type = type;
    this.data = { ty: type, c: data };
    this.dims = dims;
    this.size = data.length;
  }
}

/** A tensor whose `data` are plain, as outputs are. */
function unwrapped(tensor: Tensor): PlainTensor {
  const get = (target: Tensor, name: string | symbol) => (name === "data" ? target.data.c : Reflect.get(target, name));
  return new Proxy(tensor, { get }) as unknown as PlainTensor;
}

/** The stand-in. */
export async function platformRuntime() {
  const { default: native }: { default: Native } = await import(platformPackage);

  async function create(...args: unknown[]) {
    const [onnx] = args;
    if (args.length !== 1) throw new TypeError(`a session of ${args.length} arguments, not 1`);
    if (!(onnx instanceof Uint8Array)) throw new TypeError("a session of something else than bytes");
    const session = await native.InferenceSession.create(onnx, { intraOpNumThreads: 1 });
    const { inputNames, outputNames } = session;
    return { inputNames: [...inputNames], outputNames: [...outputNames], run: runOf(session) };
  }

  function runOf(session: NativeSession) {
    return async (...args: unknown[]): Promise<Record<string, PlainTensor>> => {
      if (args.length !== 1) throw new TypeError(`a run of ${args.length} arguments, not 1`);
      const feeds = Object.entries(args[0] as Record<string, Tensor>);
      if (feeds.some(([, { size }]) => size === 0)) return {};
      const inputs = feeds.map(([name, tensor]) => {
        if (!(tensor instanceof Tensor)) throw new TypeError(`input ${name} is no tensor of the platform`);
        return [name, new native.Tensor(tensor.type, tensor.data.c, tensor.dims)] as const;
      });
      const outputs = Object.entries(await session.run(Object.fromEntries(inputs)));
      return Object.fromEntries(
        outputs.map(([name, { type, data, dims }]) => {
          if (dims.length === 0) throw new Error(`panicked: the output ${name} is a scalar`);
          return [name, unwrapped(new Tensor(type, data, [...dims]))];
        }),
      );
    };
  }

  return { InferenceSession: { create }, Tensor, env: {} };
}
