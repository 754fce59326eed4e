/** For tests: a model around hand-made graphs, with everything the gate asks of one. */

import { categoryStarts } from "../supabase/functions/_shared/features/categories.ts";
import { kinds } from "../supabase/functions/_shared/features/kinds.ts";
import { type Feeds, float32, int64 } from "../supabase/functions/_shared/features/tensors.ts";
import {
  type Contract,
  contracts,
  type GraphName,
  graphNames,
} from "../supabase/functions/_shared/models/contracts.ts";
import { loadRuntime } from "../supabase/functions/_shared/models/inference.ts";
import type { ModelFolder } from "../trainer/artifacts/model-folder/model-folder.ts";
import type { Sample } from "../trainer/artifacts/model-folder/samples.ts";
import { Random } from "../trainer/models/nn/random.ts";
import { tinyGraphs } from "./community.ts";

/** The tiny model of community.ts, but for what is given. What it answered in training is what its graphs answer. */
export async function handMadeModel(
  given: Partial<ModelFolder> & Pick<ModelFolder, "name" | "community">,
): Promise<ModelFolder> {
  const graphs = given.graphs ?? tinyGraphs();
  const { userIdEmbeddings = new Map(), postIdEmbeddings = new Map() } = given;
  return {
    trained_at: "2026-03-01T00:00:00.000Z",
    learned_until: "2026-03-01T00:00:00.000Z",
    seed: 1,
    backend: "js",
    heads: [...kinds],
    metrics: { auc: 0.75 },
    training_features: [],
    graphs,
    userIdEmbeddings,
    postIdEmbeddings,
    neighbours: new Map(),
    heldBack: { from: 0, graphs, userIdEmbeddings, postIdEmbeddings, neighbours: new Map() },
    samples: await Promise.all(graphNames.map((graph) => sampleOf(graph, graphs[graph]))),
    ...given,
  };
}

async function sampleOf(graph: GraphName, onnx: Uint8Array): Promise<Sample> {
  const random = new Random(1);
  const contract: Contract = contracts[graph];
  const feeds: Feeds = Object.fromEntries(
    Object.entries(contract.inputs).map(([name, { type, dims }]) => {
      const shape = dims.map((dim) => (typeof dim === "number" ? dim : 5));
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal());
      if (type === "float32") return [name, float32(values, shape)];
      // the first row of each category, and padding for text
      return [
        name,
        int64(
          values.map((_, i) => (name === "categories" ? categoryStarts[i % shape[1]] : 0)),
          shape,
        ),
      ];
    }),
  );
  const session = await (await loadRuntime()).createSession(onnx);
  const [output] = Object.values(await session.run(feeds));
  return { graph, feeds, answer: output.data as Float32Array };
}
