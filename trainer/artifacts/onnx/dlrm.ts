/**
 * The ranker as an ONNX graph: the equations of dlrm/network.ts, then the calibration. Values that all candidates share are computed
 * once, in matrices of one row. Weights are stored as in training for read-weights.ts; a runtime cuts them into parts on load.
 */
import {
  categories,
  categoryRows,
  requestCategories,
} from "../../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { postFeatures, userFeatures } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { contractsOf } from "../../../supabase/functions/_shared/models/contracts.ts";
import { boostWidth, mostLogBoost } from "../../models/ranker/boost.ts";
import {
  activityColumns,
  denseWidth,
  popularityColumn,
  recencyBaselineMatrix,
} from "../../models/ranker/dense-features.ts";
import type { Dlrm } from "../../models/ranker/model.ts";
import { leastBaseRate, listWeights, readsMatches } from "../../models/ranker/network.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { type Dots, dotNumber, interaction, postRows } from "./interaction.ts";

/** The graph under the contract of its heads; it takes `vector_match` where the ranker has learned from matches of vectors. */
export function dlrmGraph(dlrm: Dlrm): Uint8Array {
  const g = new GraphBuilder("dlrm");
  const heads = dlrm.heads.length;
  const contract = contractsOf(dlrm.heads).dlrm;
  const { user, posts, user_features, post_features, pair_features, categories: ids } = g.inputsOf(contract);
  const shapes = dlrm.dense.matrices();
  const named = (name: string) => g.weights(dlrm.dense.values(name), shapes[name].shape, name);
  // under the names that weights have in training: read-weights.ts finds them by these
  const layer = (name: string, input: string) =>
    g.dense(input, dlrm.dense.values(`${name}/weight`), dlrm.dense.values(`${name}/bias`), name);
  const u = userFeatures.length;

  // the user's features are one row, so their part of the first layer is the bias of the candidates'
  const { mean, deviation } = g.standardisation(dlrm.mean, dlrm.deviation);
  const standardise = (x: string, from: number, to: number) =>
    g.standardise(x, { mean: g.slice(mean, 0, from, to), deviation: g.slice(deviation, 0, from, to) });
  const ofUser = standardise(user_features, 0, u);
  const x = standardise(g.concat([post_features, pair_features], 1), u, denseWidth);
  const first = named("bottom/1/weight");
  const biasOfUser = g.gemm(ofUser, g.slice(first, 0, 0, u), named("bottom/1/bias"));
  const { type, dims } = contract.inputs.vector_match;
  const match = readsMatches(dlrm.dense) ? g.input("vector_match", type, dims) : undefined;
  /** As in dlrm/network.ts. */
  const withMatch = (part: string, sum: string) =>
    match ? g.add(sum, g.matMul(match, named(`${part}/vector_match`))) : sum;
  const bottom1 = withMatch("bottom", g.gemm(x, g.slice(first, 0, u, denseWidth), biasOfUser));
  const bottom = g.relu(layer("bottom/2", g.relu(bottom1)));

  const embeddings = g.weights(dlrm.embeddings.weights.values, [categoryRows, dimensions], "embeddings");
  const requestIds = g.slice(g.gather(ids, g.integers([0])), 1, 0, requestCategories);
  const { ofCandidates, ofRequest, lookUp } = interaction(g, { bottom, user, posts, ids, requestIds, embeddings });
  const top1 = named("top/1/weight");
  const rowsOf = (dots: Dots[]) => dots.flatMap(({ pairs }) => pairs.map((pair) => dimensions + dotNumber(pair)));
  const rows = [...Array(dimensions).keys(), ...rowsOf(ofCandidates)];
  const biasOfRequest = g.gemm(ofRequest.values, g.gather(top1, g.integers(rowsOf([ofRequest]))), named("top/1/bias"));
  const features = g.concat([bottom, ...ofCandidates.map(({ values }) => values)], 1);
  const hidden = g.relu(g.gemm(features, g.gather(top1, g.integers(rows)), biasOfRequest));
  const top = g.relu(layer("top/2", hidden));

  // what a request's candidates have in common has no part in their shares, so the wide part leaves out the user's features
  const wideTable = g.weights(dlrm.wide.weights.values, [categoryRows, heads], "wide");
  const wideOfPost = lookUp(g.slice(wideTable, 0, postRows, categoryRows), heads);
  const ofCategories = g.matMul(wideOfPost, sumOfPostCategories(g, heads));
  const wide = withMatch("wide", g.gemm(x, g.slice(named("wide/dense"), 0, u, denseWidth), ofCategories));
  const own = g.add(layer("top/3", top), wide);
  const ofBaseline = g.matMul(baselineOfPost(g), named("wide/recency_baseline"));
  const counts = strength(g, dlrm, user_features);
  const scores = dlrm.newUserPopularity
    ? withPopularity(g, dlrm, { post_features, word: g.gemm(post_features, ofBaseline, own), counts })
    : g.gemm(post_features, ofBaseline, g.multiply(own, counts));
  const shares = g.logSoftmax(scores, 0);

  const baseRate = g.sigmoid(g.add(layer("base_rate", ofUser), g.sum(g.gather(wideTable, requestIds), [1])));
  const logBaseRate = g.log(g.add(baseRate, g.weights(Float32Array.of(leastBaseRate), [1, 1])));
  const scale = g.weights(dlrm.calibration.scale, [1, heads], "calibration/scale");
  const shift = g.weights(dlrm.calibration.shift, [1, heads], "calibration/shift");
  // every candidate as if it stood first: log 1
  const ofPosition = g.multiply(named("position"), g.weights(new Float32Array(1), [1, 1], "log_position"));
  const added = g.add(g.multiply(g.add(g.add(logBaseRate, named("bias")), ofPosition), scale), shift);
  // a product with the scales on the diagonal: numbers three in a row are slow to multiply and to add to
  const calibrated = g.gemm(shares, g.multiply(scale, identity(g, heads)), added);
  g.output("probabilities", g.sigmoid(calibrated), contract.outputs.probabilities.dims);
  if (dlrm.boost) g.output("boost", boost(g, dlrm.boost, { posts, x }), contract.outputs.boost.dims);
  return g.build();
}

/** [P, 1]: what the score is multiplied by, as dlrm/boost.ts says. */
function boost(g: GraphBuilder, weights: Float32Array, { posts, x }: Record<"posts" | "x", string>): string {
  const column = (name: string, from: number, to: number) =>
    g.weights(weights.slice(from, to), [to - from, 1], `boost/${name}`);
  const ofPost = g.matMul(posts, column("post", 0, dimensions));
  const ofFeatures = g.matMul(x, column("dense", dimensions, boostWidth));
  return g.exp(g.clip(g.add(ofPost, ofFeatures), -mostLogBoost, mostLogBoost));
}

/** [P, H]: the scores, as far as they count, and for the rest popularity. */
function withPopularity(
  g: GraphBuilder,
  { heads, newUserPopularity }: Dlrm,
  { post_features, word, counts }: Record<"post_features" | "word" | "counts", string>,
): string {
  const column = new Float32Array(postFeatures.length);
  column[popularityColumn - userFeatures.length] = 1;
  const popularity = g.matMul(post_features, g.weights(column, [postFeatures.length, 1]));
  const weights = g.weights(listWeights(heads, newUserPopularity), [1, heads.length], "new_user_popularity");
  const rest = g.subtract(g.weights(Float32Array.of(1), [1, 1]), counts);
  return g.add(g.multiply(word, counts), g.matMul(popularity, g.multiply(weights, rest)));
}

/**
 * [1, 1]: the weight of all but the simple list: 1, or `newUserStrength` for a user without interactions and
 * follows.
 */
function strength(g: GraphBuilder, { newUserStrength }: Dlrm, userFeaturesOf: string): string {
  // a count of 1 is a logarithm of 0.69, so twice their sum is above 1 for all other users
  const columns = new Float32Array(userFeatures.length);
  for (const column of activityColumns) columns[column] = -2;
  const isNew = g.relu(
    g.gemm(userFeaturesOf, g.weights(columns, [userFeatures.length, 1]), g.weights(Float32Array.of(1), [1])),
  );
  const missing = g.weights(Float32Array.of(newUserStrength), [1, 1], "new_user_strength");
  const one = g.weights(Float32Array.of(1), [1, 1]);
  return g.add(one, g.multiply(isNew, g.subtract(missing, one)));
}

/** [P, 1]: the recency baseline as a product with a post's features. */
function baselineOfPost(g: GraphBuilder): string {
  const { values } = recencyBaselineMatrix();
  const [from, to] = [userFeatures.length, userFeatures.length + postFeatures.length];
  return g.weights(values.slice(from, to), [postFeatures.length, 1], "recency_baseline");
}

/** [categories of a post · heads, heads]: adds up what each head has of a post's own categories. */
function sumOfPostCategories(g: GraphBuilder, heads: number): string {
  const width = (categories.length - requestCategories) * heads;
  const ones = Array.from({ length: width * heads }, (_, i) => Number(Math.floor(i / heads) % heads === i % heads));
  return g.weights(Float32Array.from(ones), [width, heads]);
}

/** [heads, heads] */
function identity(g: GraphBuilder, heads: number): string {
  const ones = Float32Array.from({ length: heads * heads }, (_, i) => (i % (heads + 1) === 0 ? 1 : 0));
  return g.weights(ones, [heads, heads], "identity");
}
