/** The ranker's examples: the candidates of its requests with features, labels and weights as of their instant, and the vectors that the towers gave them. */
import { categories, requestCategories } from "../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { kinds } from "../../supabase/functions/_shared/features/kinds.ts";
import { pairFeatures, postFeatures, userFeatures } from "../../supabase/functions/_shared/features/ranker-features.ts";
import { Random } from "../models/nn/random.ts";
import { vectorAt } from "../models/nn/vector-at.ts";
import { denseWidth, recencyBaselineMatrix } from "../models/ranker/dense-features.ts";
import type { DlrmHyperparameters } from "../models/ranker/hyperparameters.ts";
import { newDlrm, type RankerOptions } from "../models/ranker/model.ts";
import { leastBaseRate } from "../models/ranker/network.ts";
import type { RankerParts, RankingExamples } from "../models/ranker/ranking-examples.ts";
import type { ColumnTypes } from "../storage/parquet-file.ts";
import { type ExampleFiles, eachOf, writeRowGroups } from "./row-groups.ts";
import { type StageIdentity, writeStage } from "./stage.ts";
import { shapesOf, weightsOfDlrm } from "./weights.ts";

/** Requests of a row group; the rows of as many are one of `ranker/rows`. */
const requestsPerGroup = 64;

type RankerStageOptions = DlrmHyperparameters & RankerOptions & { seed: number };

/** The names of the columns of a row's dense features and categories, in the order of the network's input. */
const featureColumns = [
  ...userFeatures.map((name) => `user_${name}`),
  ...postFeatures.map((name) => `post_${name}`),
  ...pairFeatures.map((name) => `pair_${name}`),
];
/** Those of the match of vectors, where the model reads any. */
const matchColumns = ["vector_match", "has_vector_match"];
const categoryColumns = categories.map(({ name }) => `category_${name}`);

/** Writes the stage of the ranker's training. */
export async function writeRankerStage(
  files: ExampleFiles,
  examples: RankingExamples,
  parts: RankerParts,
  options: RankerStageOptions,
  identity: StageIdentity,
): Promise<void> {
  const { requests, rows, heads } = examples;
  const postVectors = vectorsOfPosts(examples);
  const posts = postVectors.length / dimensions;
  const heldOut = new Set(parts.heldOut);
  const learned = new Set([...parts.training, ...parts.heldOut]);
  await writeRowGroups(
    files,
    "ranker/posts",
    { number: "int", vector: "real[]" },
    { rows: posts, perGroup: 10_000 },
    (from, to) => ({
      number: eachOf(from, to, (post) => post),
      vector: eachOf(from, to, (post) => [...vectorAt(postVectors, post)]),
    }),
  );
  await writeRowGroups(
    files,
    "ranker/requests",
    { number: "int", user: "int", at: "double", held_out: "int", counts: "int", came_to: "real", vector: "real[]" },
    { rows: requests.length, perGroup: requestsPerGroup },
    (from, to) => ({
      number: eachOf(from, to, (request) => request),
      user: eachOf(from, to, (request) => requests[request].user),
      at: eachOf(from, to, (request) => requests[request].at),
      held_out: eachOf(from, to, (request) => (heldOut.has(request) ? 1 : 0)),
      // of a request of which nothing came there is nothing to learn
      counts: eachOf(from, to, (request) => (learned.has(request) && examples.saysSomething(request) ? 1 : 0)),
      came_to: eachOf(from, to, (request) => examples.found[request]),
      vector: eachOf(from, to, (request) => [...vectorAt(examples.users, request)]),
    }),
  );
  const labels = heads.flatMap((head) => [`label_${head}`, `known_${head}`]);
  const types: ColumnTypes = { request: "int", post: "int" };
  const matches = examples.vectorMatches.length > 0 ? matchColumns : [];
  for (const name of ["weight", "loss_weight", "log_position", "gain", ...labels, ...featureColumns, ...matches])
    types[name] = "real";
  for (const name of categoryColumns) types[name] = "int";
  await writeRowGroups(
    files,
    "ranker/rows",
    types,
    { rows: requests.length * rows, perGroup: requestsPerGroup * rows },
    (from, to) => rowColumns(examples, options.scoreWeights, from, to),
  );
  const start = weightsOfDlrm(newDlrm(examples, parts.training, options, new Random(options.seed)));
  await writeStage(
    files,
    "ranker",
    { start },
    {
      kind: "ranker",
      identity,
      weights: shapesOf(start),
      starts: ["start"],
      counts: { requests: requests.length, rows, posts, per_group: requestsPerGroup },
      inputs: {
        dimensions,
        heads,
        kinds: kinds.length,
        features: featureColumns,
        user_features: userFeatures.length,
        matches,
        categories: categoryColumns,
        request_categories: requestCategories,
        recency_baseline: [...recencyBaselineMatrix().values],
        least_base_rate: leastBaseRate,
        score_weights: options.scoreWeights,
      },
      options: {
        seed: options.seed,
        epochs: options.epochs,
        batch: options.batch,
        learning_rate: options.learningRate,
        weight_decay: options.weightDecay,
        head_weight: options.headWeight,
        dropout: options.dropout,
        dot_dropout: options.dotDropout,
      },
    },
  );
}

/** [posts, 32] By post number, zeros for a post of no row: towers that are trained elsewhere are the same for all requests. */
function vectorsOfPosts({ posts, postVectors }: RankingExamples): Float32Array {
  const vectors = new Float32Array((1 + posts.reduce((a, b) => Math.max(a, b), 0)) * dimensions);
  for (const [row, post] of posts.entries()) vectors.set(vectorAt(postVectors, row), post * dimensions);
  return vectors;
}

function rowColumns(examples: RankingExamples, scoreWeights: number[], from: number, to: number) {
  const { rows, heads } = examples;
  const gains = new Float32Array(to - from);
  for (let first = from; first < to; first += rows)
    examples.gains(first / rows, scoreWeights, gains.subarray(first - from, first - from + rows));
  const real = (of: (row: number) => number) => Float32Array.from({ length: to - from }, (_, i) => of(from + i));
  const columns: Record<string, ArrayLike<number>> = {
    request: eachOf(from, to, (row) => Math.floor(row / rows)),
    post: examples.posts.subarray(from, to),
    weight: examples.weights.subarray(from, to),
    loss_weight: examples.lossWeights.subarray(from, to),
    log_position: examples.logPositions.subarray(from, to),
    gain: gains,
  };
  for (const [h, head] of heads.entries()) {
    columns[`label_${head}`] = real((row) => examples.label(row, h));
    columns[`known_${head}`] = real((row) => (examples.isKnown(row, h) ? 1 : 0));
  }
  for (const [f, name] of featureColumns.entries()) columns[name] = real((row) => examples.dense[row * denseWidth + f]);
  if (examples.vectorMatches.length > 0)
    for (const [m, name] of matchColumns.entries())
      columns[name] = real((row) => examples.vectorMatches[row * matchColumns.length + m]);
  for (const [c, name] of categoryColumns.entries())
    columns[name] = eachOf(from, to, (row) => examples.categories[row * categories.length + c]);
  return columns;
}
