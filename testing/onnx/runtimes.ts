/** The two runtimes under which models serve. */
import { loadRuntime, type Runtime } from "../../supabase/functions/_shared/models/inference.ts";
import { platformKey, platformRuntime } from "./platform-runtime.ts";

/** onnxruntime-node as it is served with, and the platform's API over the same release. */
export async function bothRuntimes(): Promise<{ name: string; createSession: Runtime["createSession"] }[]> {
  const native = await loadRuntime();
  const globals = globalThis as Record<symbol, unknown>;
  globals[platformKey] = await platformRuntime();
  try {
    return [
      { name: "onnxruntime-node", ...native },
      { name: "the platform's", ...(await loadRuntime()) },
    ];
  } finally {
    delete globals[platformKey];
  }
}
