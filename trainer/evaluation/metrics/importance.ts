/**
 * Permutation importance (Breiman, "Random Forests", 2001; Fisher, Rudin & Dominici, 2019): the loss of each head when one feature is
 * shuffled within a list, or, where all share it, between lists. Features that say the same can each look worth less than both are.
 */
import { categories, requestCategories } from "../../../supabase/functions/_shared/features/categories.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import {
  pairFeatures,
  postFeatures,
  userFeatures,
} from "../../../supabase/functions/_shared/features/ranker-features.ts";
import type { Feeds, Tensor } from "../../../supabase/functions/_shared/features/tensors.ts";
import { type RankingModel, runRanker } from "../../../supabase/functions/_shared/recommend/scoring/run-ranker.ts";
import { Random } from "../../models/nn/random.ts";
import type { ListOutcome } from "./ranker-metrics.ts";
import { type Estimate, estimate } from "./statistics.ts";

/** The ranker inputs of one list, and what then happened. */
export interface RankerInputList {
  posts: Int32Array;
  feeds: Feeds;
  outcome: ListOutcome;
}

export interface Importance {
  lists: number;
  /** Lists with a positive of each head among the candidates: what its figures rest on. */
  positives: Record<string, number>;
  /** By head, what is added to the log loss of a list, as a share of the mean loss; the largest sum first. */
  features: { feature: string; added: Record<string, Estimate> }[];
}

/** A feature's column in one of the graph's inputs. */
interface Column {
  feature: string;
  input: string;
  column: number;
  /** Whether all candidates of a list have it in common. */
  shared: boolean;
}

const columns: Column[] = [
  ...userFeatures.map((name, column) => ({ feature: `user ${name}`, input: "user_features", column, shared: true })),
  ...postFeatures.map((name, column) => ({ feature: `post ${name}`, input: "post_features", column, shared: false })),
  ...pairFeatures.map((name, column) => ({ feature: `pair ${name}`, input: "pair_features", column, shared: false })),
  ...categories.map(({ name }, column) => ({
    feature: `category ${name}`,
    input: "categories",
    column,
    shared: column < requestCategories,
  })),
];

/** Asks the ranker once for each feature and list; `onProgress` is told how many features are done. */
export async function permutationImportance(
  model: RankingModel,
  lists: RankerInputList[],
  seed: number,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Importance> {
  const random = new Random(seed);
  const before = await lossesOf(model, lists, ({ feeds }) => feeds);
  const means = kinds.map((_, head) => estimate(before.map((losses) => losses[head])).mean);
  const features: Importance["features"] = [];
  for (const [done, each] of columns.entries()) {
    onProgress(done, columns.length);
    const others = random.shuffle(Int32Array.from(lists.keys()));
    const after = await lossesOf(model, lists, ({ feeds }, i) => ({
      ...feeds,
      [each.input]: each.shared
        ? withColumn(feeds[each.input], each.column, () => valueIn(lists[others[i]].feeds[each.input], each.column, 0))
        : shuffled(feeds[each.input], each.column, random),
    }));
    const added = Object.fromEntries(
      kinds.map((head, h) => [head, estimate(after.map((losses, i) => (losses[h] - before[i][h]) / means[h]))]),
    );
    features.push({ feature: each.feature, added });
  }
  onProgress(columns.length, columns.length);
  const gain = ({ added }: Importance["features"][number]) =>
    Object.values(added).reduce((sum, { mean }) => sum + (mean || 0), 0);
  const found = ({ posts, outcome }: RankerInputList, head: number) =>
    outcome.labels[head] === 1 && posts.includes(outcome.post);
  return {
    lists: lists.length,
    positives: Object.fromEntries(kinds.map((head, h) => [head, lists.filter((list) => found(list, h)).length])),
    features: features.sort((a, b) => gain(b) - gain(a)),
  };
}

/** The log loss of each head summed over the candidates of each list. */
async function lossesOf(
  model: RankingModel,
  lists: RankerInputList[],
  feedsOf: (list: RankerInputList, number: number) => Feeds,
): Promise<number[][]> {
  const all: number[][] = [];
  const width = model.heads.length;
  for (const [i, list] of lists.entries()) {
    const { probabilities } = await runRanker(model, feedsOf(list, i), list.posts.length);
    all.push(
      kinds.map((kind, head) => {
        let loss = 0;
        for (const [row, post] of list.posts.entries()) {
          const p = Math.min(1 - 1e-15, Math.max(1e-15, probabilities[row * width + model.heads.indexOf(kind)]));
          loss -= post === list.outcome.post && list.outcome.labels[head] === 1 ? Math.log(p) : Math.log1p(-p);
        }
        return loss;
      }),
    );
  }
  return all;
}

type Value = number | bigint;

function valueIn({ data, dims }: Tensor, column: number, row: number): Value {
  return data[row * dims[1] + column];
}

/** A copy whose column has other values. */
function withColumn(tensor: Tensor, column: number, valueAt: (row: number) => Value): Tensor {
  const data = tensor.data.slice() as Record<number, Value> & Tensor["data"];
  for (let row = 0; row < tensor.dims[0]; row++) data[row * tensor.dims[1] + column] = valueAt(row);
  return { ...tensor, data } as Tensor;
}

function shuffled(tensor: Tensor, column: number, random: Random): Tensor {
  const order = random.shuffle(Int32Array.from({ length: tensor.dims[0] }, (_, row) => row));
  return withColumn(tensor, column, (row) => valueIn(tensor, column, order[row]));
}
