/** The child process of `onnxRuntime`: loads graphs and runs them on the onnxruntime-node package named as its argument. */
import type { Feeds, Tensor } from "../../supabase/functions/_shared/features/tensors.ts";
import { type InferenceSession, loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import { platformKey, platformRuntime } from "./platform-runtime.ts";
import type { ChildAnswer } from "./runtimes.ts";

type Message = { graph: number; bytes: Uint8Array } | { graph: number; feeds: Feeds };

const [, , packageName] = process.argv;
const runtime = load();
// A missing package is told in the answer to the first message, not by a crash with a stack trace.
runtime.catch(() => {});
const sessions = new Map<number, InferenceSession>();

process.on("message", async (message: Message) => {
  const answer = await work(message).catch((error): ChildAnswer => ({ error: String(error.message ?? error) }));
  process.send?.(answer);
});

/** Another release than the one served with plays the platform. */
async function load() {
  if (packageName !== "onnxruntime-node")
    (globalThis as Record<symbol, unknown>)[platformKey] = await platformRuntime(packageName);
  return await loadRuntime();
}

async function work(message: Message): Promise<ChildAnswer> {
  const { createSession } = await runtime;
  if ("bytes" in message) {
    const session = await createSession(message.bytes);
    sessions.set(message.graph, session);
    const { inputNames, outputNames } = session;
    return { inputNames: [...inputNames], outputNames: [...outputNames] };
  }
  const session = sessions.get(message.graph) as InferenceSession;
  const started = performance.now();
  const results = await session.run(message.feeds);
  const milliseconds = performance.now() - started;
  const outputs = Object.entries(results).map(
    ([name, { type, data, dims }]) => [name, { type, data, dims: [...dims] } as Tensor] as const,
  );
  return { outputs: Object.fromEntries(outputs), milliseconds };
}
