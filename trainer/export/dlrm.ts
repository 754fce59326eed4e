/** The ranker as an ONNX graph: the same equations as dlrm/network.ts, then the calibration. */
import { categories, categoryRows, requestCategories } from "../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { userFeatures } from "../../supabase/functions/_shared/features/ranker-features.ts";
import { contracts } from "../../supabase/functions/_shared/models/contracts.ts";
import { denseWidth, recencyBaselineMatrix } from "../dlrm/dense-features.ts";
import type { Dlrm } from "../dlrm/model.ts";
import { heads, leastBaseRate } from "../dlrm/network.ts";
import { GraphBuilder } from "../onnx/graph-builder.ts";
import { denseLayer } from "./dense-layer.ts";

/** The graph under `contracts.dlrm`. */
export function dlrmGraph(dlrm: Dlrm): Uint8Array {
  const g = new GraphBuilder("dlrm");
  const { user, posts, user_features, post_features, pair_features, categories: ids } = g.inputsOf(contracts.dlrm);
  const oneColumn = g.slice(post_features, 1, 0, 1);
  const dense = g.concat([g.expand(user_features, oneColumn), post_features, pair_features], 1);
  const x = g.standardise(dense, dlrm.mean, dlrm.deviation);
  const layer = (name: string, input: string) => denseLayer(g, dlrm.dense, name, input);
  const named = (name: string, shape: number[]) => g.weights(dlrm.dense.values(name), shape, name);
  const bottom = g.relu(layer("bottom/2", g.relu(layer("bottom/1", x))));
  const embeddings = g.gather(g.weights(dlrm.embeddings.weights.values, [categoryRows, dimensions], "embeddings"), ids);
  const slots = g.concat([g.stack([bottom, g.expand(user, posts), posts]), embeddings], 1);
  const top = g.relu(layer("top/2", g.relu(layer("top/1", g.concat([bottom, g.pairwiseDots(slots)], 1)))));
  const recencyBaseline = g.dense(dense, recencyBaselineMatrix().values);
  const crosses = g.gather(g.weights(dlrm.wide.weights.values, [categoryRows, heads], "wide"), ids);
  // what all candidates of a request share is worked out for the first alone
  const first = g.integers([0]);
  const ofRequest = g.sum(g.slice(g.gather(crosses, first), 1, 0, requestCategories), [1]);
  // a product with ones: as a sum over the middle axis it took a sixth of the whole graph
  const ofPost = g.dense(g.reshape(crosses, [0, categories.length * heads]), sumOfPostCategories());
  const wide = g.add(
    g.multiply(recencyBaseline, named("wide/recency_baseline", [1, heads])),
    g.matMul(x, named("wide/dense", [denseWidth, heads])),
  );
  const scores = g.add(g.add(layer("top/3", top), wide), ofPost);
  const highest = g.max(scores, [0], true);
  const sum = g.log(g.sum(g.exp(g.subtract(scores, highest)), [0], true));
  const shares = g.subtract(scores, g.add(highest, sum));
  const baseRate = g.sigmoid(
    g.add(layer("base_rate", g.slice(g.gather(x, first), 1, 0, userFeatures.length)), ofRequest),
  );
  const logBaseRate = g.log(g.add(baseRate, g.weights(Float32Array.of(leastBaseRate), [1, 1])));
  const logits = g.add(g.add(shares, logBaseRate), named("bias", [1, heads]));
  const { scale, shift } = dlrm.calibration;
  const scaled = g.multiply(logits, g.weights(scale, [1, heads], "calibration/scale"));
  const calibrated = g.add(scaled, g.weights(shift, [1, heads], "calibration/shift"));
  g.output("probabilities", g.sigmoid(calibrated), contracts.dlrm.outputs.probabilities.dims);
  return g.build();
}

/** [categories · heads, heads]: adds up what each head has of a post's own categories. */
function sumOfPostCategories(): Float32Array {
  const ones = new Float32Array(categories.length * heads * heads);
  for (let c = requestCategories; c < categories.length; c++)
    for (let head = 0; head < heads; head++) ones[(c * heads + head) * heads + head] = 1;
  return ones;
}
