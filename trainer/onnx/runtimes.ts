import { type ChildProcess, fork } from "node:child_process";
import { loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import type { Tensor } from "../../supabase/functions/_shared/models/onnx-executor/tensor.ts";

type Tensors = Record<string, Tensor>;
type Run = (feeds: Tensors) => Promise<Tensors>;

/** A way of running ONNX graphs, as serving does, to be compared with the others in tests and benchmarks. */
export interface Runtime {
  name: string;
  load(bytes: Uint8Array): Promise<Run>;
  close(): void;
}

/** The TypeScript executor, for runtimes that have no native ONNX. */
export const executor: Runtime = {
  name: "executor",
  async load(bytes) {
    const { createSession } = await loadRuntime("executor");
    return (await createSession(bytes)).run;
  },
  close() {},
};

/** What a child answers: its outputs, how long the run itself took, or what went wrong. */
export interface Answer {
  outputs?: Tensors;
  milliseconds?: number;
  error?: string;
}

/**
 * A version of onnxruntime-node, by the name of its package, in a process of its own: two versions of its native library
 * cannot be loaded into one. Any but the one served with plays the platform's runtime. `onRun` hears how many milliseconds each run took inside that process.
 */
export function onnxRuntime(packageName: string, onRun: (milliseconds: number) => void = () => {}): Runtime {
  let child: ChildProcess | undefined;
  let graphs = 0;

  function ask(message: unknown): Promise<Answer> {
    child ??= fork(new URL("./runtime-process.ts", import.meta.url), [packageName], { serialization: "advanced" });
    const asked = child;
    return new Promise((resolve, reject) => {
      const stop = () => {
        asked.off("message", answer);
        asked.off("exit", exit);
      };
      const answer = (received: Answer) => {
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
      asked.send(message as object);
    });
  }

  return {
    name: packageName,
    async load(bytes) {
      const graph = graphs++;
      await ask({ graph, bytes });
      return async (feeds) => {
        const { outputs, milliseconds } = await ask({ graph, feeds });
        onRun(milliseconds as number);
        return outputs as Tensors;
      };
    },
    close() {
      child?.kill();
      child = undefined;
    },
  };
}
