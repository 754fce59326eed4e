/** How many pairs of user and post a second of one core the ranker's graph takes, compared with plain products of as many multiplications. */
import { categories } from "../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { kinds } from "../../supabase/functions/_shared/features/kinds.ts";
import { type Feeds, float32 } from "../../supabase/functions/_shared/features/tensors.ts";
import { loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import { randomModel } from "../../testing/onnx/random-models.ts";
import { GraphBuilder } from "../../trainer/artifacts/onnx/graph-builder.ts";
import { denseWidth } from "../../trainer/models/ranker/dense-features.ts";
import { dlrmDefaults } from "../../trainer/models/ranker/hyperparameters.ts";
import { byTurns } from "../shared/times.ts";
import type { Finding } from "./figure.ts";

/** What the equations of models/ranker/network.ts multiply for one candidate. */
const { bottomHidden, topHidden } = dlrmDefaults;
const slots = 3 + categories.length;
const dots = (slots * (slots - 1)) / 2;
const multiplications =
  denseWidth * (bottomHidden + kinds.length) +
  bottomHidden * dimensions +
  dots * dimensions +
  (dimensions + dots) * topHidden[0] +
  topHidden[0] * topHidden[1] +
  topHidden[1] * kinds.length;

/** The graph of the floor: products [N, 64] · [64, 64] one after the other, of as many multiplications. */
const width = 64;
function floor(): Uint8Array {
  const g = new GraphBuilder("floor");
  let x = g.input("x", "float32", ["N", width]);
  const weights = g.weights(new Float32Array(width * width).fill(1 / width), [width, width]);
  for (let i = 0; i < Math.round(multiplications / width ** 2); i++) x = g.matMul(x, weights);
  g.output("y", x, ["N", width]);
  return g.build();
}

/** Both graphs by turns in one process, for feeds of so many candidates, and so many `pairs` of each size in all. Processor time, so that other work on the machine disturbs little. */
export async function measureRanker(feedSizes: number[], pairs: number): Promise<Finding> {
  const { createSession } = await loadRuntime();
  const model = randomModel("dlrm", 1);
  const graph = await createSession(model.bytes);
  const products = await createSession(floor());
  const finding: Finding = { figures: [], details: { "multiplications a pair": multiplications } };
  for (const n of feedSizes) {
    const feeds = model.feeds(n);
    const x: Feeds = { x: float32(new Float32Array(n * width).fill(1), [n, width]) };
    const [ours, theirs] = await byTurns(Math.ceil(pairs / n), [() => graph.run(feeds), () => products.run(x)]);
    const perSecond = ({ processor }: { processor: number }) => (1000 * n) / processor;
    finding.figures.push({
      what: `pairs ranked a second and core, ${n} candidates`,
      value: perSecond(ours),
      unit: "1/s",
      floor: { what: "products alone", value: perSecond(theirs) },
    });
  }
  return finding;
}
