import { type ChildProcess, fork } from "node:child_process";
import type { Feeds, Tensor } from "../../supabase/functions/_shared/features/tensors.ts";
import type { InferenceSession, Runtime } from "../../supabase/functions/_shared/models/inference.ts";
import { platformPackage } from "./platform-runtime.ts";

/** What a child answers: the names of a graph's inputs and outputs, or its outputs and how long the run itself took; or what went wrong. */
export interface ChildAnswer extends Partial<Pick<InferenceSession, "inputNames" | "outputNames">> {
  outputs?: Record<string, Tensor>;
  milliseconds?: number;
  error?: string;
}

/** A runtime in a process of its own. */
export interface RuntimeProcess extends Runtime {
  name: string;
  close(): void;
}

/** The two under which models serve. */
export const bothRuntimes = (): RuntimeProcess[] =>
  ["onnxruntime-node", platformPackage].map((name) => onnxRuntime(name));

/**
 * A version of onnxruntime-node, by the name of its package, in a process of its own: two versions of its native library
 * cannot be loaded into one. Any but the one served with plays the platform's runtime. `onRun` hears how many milliseconds each run took inside that process.
 */
export function onnxRuntime(packageName: string, onRun: (milliseconds: number) => void = () => {}): RuntimeProcess {
  let child: ChildProcess | undefined;
  let graphs = 0;
  let before: Promise<unknown> = Promise.resolve();

  /** One question at a time: the child answers in no other way. */
  function ask(message: { graph: number; bytes?: Uint8Array; feeds?: Feeds }): Promise<ChildAnswer> {
    const answer = before.then(() => answerTo(message));
    before = answer.catch(() => {});
    return answer;
  }

  function answerTo(message: object): Promise<ChildAnswer> {
    child ??= fork(new URL("./runtime-process.ts", import.meta.url), [packageName], { serialization: "advanced" });
    const asked = child;
    return new Promise((resolve, reject) => {
      const stop = () => {
        asked.off("message", answer);
        asked.off("exit", exit);
      };
      const answer = (received: ChildAnswer) => {
        stop();
        if (received.error) reject(new Error(`${packageName}: ${received.error}`));
        else resolve(received);
      };
      const exit = (code: number | null) => {
        stop();
        reject(new Error(`${packageName} ended with ${code}`));
      };
      asked.once("message", answer);
      asked.once("exit", exit);
      asked.send(message);
    });
  }

  return {
    name: packageName,
    async createSession(bytes) {
      const graph = graphs++;
      const { inputNames = [], outputNames = [] } = await ask({ graph, bytes });
      const run = async (feeds: Feeds) => {
        const { outputs = {}, milliseconds = 0 } = await ask({ graph, feeds });
        onRun(milliseconds);
        return outputs;
      };
      return { inputNames, outputNames, run };
    },
    close() {
      child?.kill();
      child = undefined;
    },
  };
}
