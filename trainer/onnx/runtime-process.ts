/** The child process of `onnxRuntime`: loads graphs and runs them on the onnxruntime-node package named as its argument. */
import type { InferenceSession } from "onnxruntime-node";
import type { Tensor } from "../../supabase/functions/_shared/models/onnx-executor/tensor.ts";
import type { Answer } from "./runtimes.ts";

type Message = { graph: number; bytes: Uint8Array } | { graph: number; feeds: Record<string, Tensor> };

const runtime: Promise<{ default: typeof import("onnxruntime-node") }> = import(process.argv[2]);
// A missing package is told in the answer to the first message, not by a crash with a stack trace.
runtime.catch(() => {});
const sessions = new Map<number, InferenceSession>();

process.on("message", async (message: Message) => {
  const answer = await work(message).catch((error): Answer => ({ error: String(error.message ?? error) }));
  process.send?.(answer);
});

async function work(message: Message): Promise<Answer> {
  const { default: ort } = await runtime;
  if ("bytes" in message) {
    sessions.set(message.graph, await ort.InferenceSession.create(message.bytes, { intraOpNumThreads: 1 }));
    return {};
  }
  const session = sessions.get(message.graph) as InferenceSession;
  const feeds = Object.entries(message.feeds).map(
    ([name, { type, data, dims }]) => [name, new ort.Tensor(type, data as Float32Array, dims)] as const,
  );
  const started = performance.now();
  const results = await session.run(Object.fromEntries(feeds));
  const milliseconds = performance.now() - started;
  const outputs = Object.entries(results).map(
    ([name, { type, data, dims }]) => [name, { type, data, dims: [...dims] } as Tensor] as const,
  );
  return { outputs: Object.fromEntries(outputs), milliseconds };
}
