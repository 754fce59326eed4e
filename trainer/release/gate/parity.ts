/** Whether the graphs answer in ONNX Runtime what the trainer answered. */
import { loadRuntime } from "../../../supabase/functions/_shared/models/inference.ts";
import type { ModelFolder } from "../../artifacts/model-folder/model-folder.ts";
import type { Parity } from "./verdict.ts";

/**
 * Of a number in a vector of unit length, or of a probability. Runtimes add float32 in another
 * order: those of trained models differ by less than 2e-5.
 */
const tolerance = 1e-4;

/** Of each graph, one after the other; not every ranker has a boost. */
const outputs = { user_tower: ["embedding"], post_tower: ["embedding"], dlrm: ["probabilities", "boost"] } as const;

/** Runs the samples of a model in ONNX Runtime. Throws where a graph does not run. */
export async function parityOf({ graphs, samples }: Pick<ModelFolder, "graphs" | "samples">): Promise<Parity> {
  const { createSession } = await loadRuntime();
  let largest = 0;
  let rows = 0;
  for (const { graph, feeds, answer } of samples) {
    const session = await createSession(graphs[graph]);
    const answered = await session.run(feeds);
    const data = outputs[graph].flatMap((name) => [...(answered[name]?.data ?? [])]);
    if (data.length !== answer.length) throw new Error(`${graph} answers ${data.length} numbers, not ${answer.length}`);
    for (let i = 0; i < answer.length; i++) largest = worst(largest, Math.abs(Number(data[i]) - answer[i]));
    rows += answered[outputs[graph][0]].dims[0];
  }
  return { rows, largest_difference: largest, tolerance };
}

/** Math.max, but for NaN: nothing is worse. */
function worst(a: number, b: number): number {
  return Number.isNaN(b) ? Number.POSITIVE_INFINITY : Math.max(a, b);
}
