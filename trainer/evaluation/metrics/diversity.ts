import type { Community } from "../../data/replay/community.ts";
import { meanOf } from "./statistics.ts";
import { type SparseVector, TfIdf } from "./tf-idf.ts";

/** What accuracy does not tell, from the first 20 posts of every list. */
export interface Diversity {
  /** Share of the posts that existed at the last list. */
  coverage: number;
  gini: number;
  /** TF-IDF cosine over the pairs of a list, averaged over lists. */
  intraListSimilarity: number;
}

/** Measures the lists of one recommender; `posts` is how many posts there were to show. Similarity on at most 200 lists. */
export function diversityOf(
  tops: Int32Array[],
  posts: number,
  similarity: (a: number, b: number) => number,
): Diversity {
  const lists = tops.map((top) => top.subarray(0, 20));
  const exposures = new Float64Array(posts);
  for (const list of lists) for (const post of list) exposures[post]++;
  const every = Math.ceil(lists.length / 200);
  const similarities = lists
    .filter((list, i) => i % every === 0 && list.length > 1)
    .map((list) => intraListSimilarity(list, similarity));
  return {
    coverage: coverage(lists, posts),
    gini: gini(exposures),
    intraListSimilarity: meanOf(similarities),
  };
}

/** Cosine of two posts' TF-IDF vectors. */
export function textSimilarity({ posts }: Community): (a: number, b: number) => number {
  const tfIdf = new TfIdf();
  const counts = posts.titles.map((title, post) =>
    tfIdf.count(`${title} ${posts.descriptions[post]} ${posts.tags[post].join(" ")}`),
  );
  tfIdf.fit();
  const vectors: SparseVector[] = counts.map((count) => tfIdf.vector(count));
  return (a, b) => {
    const values = new Map(Array.from(vectors[a].terms, (term, i) => [term, vectors[a].values[i]]));
    return vectors[b].terms.reduce((sum, term, i) => sum + (values.get(term) ?? 0) * vectors[b].values[i], 0);
  };
}

/** Metrics of all lists together: how much of the catalogue is shown, how unequally, and how alike one list's posts are. */

/** Share of `catalogue` posts that are in at least one list. */
export function coverage(lists: Iterable<ArrayLike<number>>, catalogue: number): number {
  const shown = new Set<number>();
  for (const list of lists) for (let i = 0; i < list.length; i++) shown.add(list[i]);
  return shown.size / catalogue;
}

/** Gini coefficient of how often posts are shown: 0 all equally, near 1 a few posts take all. */
export function gini(exposures: ArrayLike<number>): number {
  const sorted = Float64Array.from(exposures).sort();
  const n = sorted.length;
  let sum = 0;
  let weighted = 0;
  for (const [i, exposure] of sorted.entries()) {
    sum += exposure;
    weighted += (2 * (i + 1) - n - 1) * exposure;
  }
  return weighted / (n * sum);
}

/** Mean similarity over the pairs of a list; NaN for lists shorter than two. */
export function intraListSimilarity(list: ArrayLike<number>, similarity: (a: number, b: number) => number): number {
  let sum = 0;
  for (let i = 0; i < list.length; i++) for (let j = 0; j < i; j++) sum += similarity(list[i], list[j]);
  return sum / ((list.length * (list.length - 1)) / 2);
}
