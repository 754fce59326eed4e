/**
 * Makes vectors of texts by @huggingface/transformers: node serve/encoder-process.ts PACKAGE FOLDER NAME. Started by serve/local-encoders.ts
 * only. It is a process of its own because two ONNX Runtimes in one process fail: both are libonnxruntime.so.1.
 */
import { pathToFileURL } from "node:url";
import type { EncoderMessage } from "./local-encoders.ts";

/** What is used of the package, in versions 3 and 4. */
interface Transformers {
  env: { allowLocalModels: boolean; allowRemoteModels: boolean; localModelPath: string };
  pipeline(task: "feature-extraction", model: string, options: { dtype: "fp32" }): Promise<Extractor>;
}
type Extractor = (text: string, options: { pooling: "mean"; normalize: true }) => Promise<{ data: ArrayLike<number> }>;

const [entry, folder, name] = process.argv.slice(2);
const send = (message: EncoderMessage) => void (process.connected && process.send?.(message));
const reasonOf = (error: unknown) => String(error instanceof Error ? error.message : error).replace(/\s+/g, " ");
process.on("disconnect", () => process.exit(0));

async function load(): Promise<Extractor> {
  // its CommonJS build, which the resolver found
  const { env, pipeline } = (await import(pathToFileURL(entry).href)).default as Transformers;
  env.allowLocalModels = true;
  env.allowRemoteModels = false;
  env.localModelPath = folder;
  return await pipeline("feature-extraction", name, { dtype: "fp32" });
}

try {
  const extract = await load();
  process.on("message", async (text) => {
    try {
      const { data } = await extract(String(text), { pooling: "mean", normalize: true });
      send({ vector: Float32Array.from(data) });
    } catch (error) {
      send({ error: reasonOf(error) });
    }
  });
  send({ ready: true });
} catch (error) {
  send({ error: reasonOf(error) });
}
