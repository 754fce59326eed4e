/**
 * The ranker's interaction: inner products of all pairs of a candidate's slots (see dlrm/network.ts). The user's vector and
 * the embeddings of the request's categories are the same for all candidates, and a post's categories are 40 rows of a
 * table, so that most products can be shared:
 *
 *   bottom, post vector × the others   products with all 43 vectors that the others can be; a candidate picks its 6
 *   bottom × post vector               one by one
 *   post's category × request's slot   40 × 3 products, looked up
 *   two categories of a post           a table, worked out when the graph is loaded
 *   two of the request's slots         once
 *
 * As a product of each candidate's slots with themselves, [8, 32] · [32, 8], it took more than half of the whole graph.
 */
import {
  categories,
  categoryRows,
  categoryStarts,
  requestCategories,
} from "../../../supabase/functions/_shared/features/categories.ts";
import type { GraphBuilder } from "./graph-builder.ts";

/** Inner products [N, pairs], or [1, pairs] of a request, and which slots each column is of. */
export interface Dots {
  values: string;
  pairs: [number, number][];
}

/** Names of values in a graph. */
interface Slots {
  /** [N, 32] */
  bottom: string;
  /** [1, 32] */
  user: string;
  /** [N, 32] */
  posts: string;
  /** [N, C], as int64 */
  ids: string;
  /** The rows [1, 2] in the table of the request's own categories. */
  requestIds: string;
  /** The embedding table. */
  embeddings: string;
}

/** The numbers of the slots. */
const [bottomSlot, userSlot, postSlot] = [0, 1, 2];
const categorySlots = categories.map((_, c) => 3 + c);
const slotCount = 3 + categories.length;
const requestSlots = [userSlot, ...categorySlots.slice(0, requestCategories)];
const postCategorySlots = categorySlots.slice(requestCategories);

/** Where the rows of a post's categories begin in the table. */
export const postRows = categoryStarts[requestCategories];

/** A whole number that is linear in the category ids of a candidate. */
interface Linear {
  /** By category: what its id is multiplied by; default: 0. */
  factors: Record<number, number>;
  offset: number;
}

/** Looks up a post's categories in a table [categoryRows − postRows, width]: [N, categories of a post · width]. */
type LookUp = (table: string, width: number) => string;

/** The distinct dots of all candidates and of their request, and how a table is looked up by a post's categories. */
export function interaction(
  g: GraphBuilder,
  { bottom, user, posts, ids, requestIds, embeddings }: Slots,
): { ofCandidates: Dots[]; ofRequest: Dots; lookUp: LookUp } {
  const numbers = g.cast(ids, "float32");
  const linear = (columns: Linear[]) => linearIn(g, numbers, columns);
  const places = linear(postCategories.map((c) => ({ factors: { [c]: 1 }, offset: -postRows })));
  const lookUp: LookUp = (table, width) => g.reshape(g.gather(table, places), [0, postCategories.length * width]);
  const shared = g.concat([user, g.squeeze(g.gather(embeddings, requestIds), [0])], 0);
  const ofPosts = g.slice(embeddings, 0, postRows, categoryRows);

  const others = g.concat([shared, ofPosts], 0);
  const otherSlots = [...requestSlots, ...postCategorySlots];
  const columns = linear([
    ...requestSlots.map((_, column) => ({ factors: {}, offset: column })),
    ...postCategories.map((c) => ({ factors: { [c]: 1 }, offset: requestSlots.length - postRows })),
  ]);
  const withOthers = (slot: number, vectors: string): Dots => ({
    values: g.pick(g.dots(vectors, others), columns),
    pairs: otherSlots.map((other) => [slot, other]),
  });
  const ofCandidates = [
    withOthers(bottomSlot, bottom),
    withOthers(postSlot, posts),
    { values: g.sum(g.multiply(bottom, posts), [1], true), pairs: [[bottomSlot, postSlot]] as [number, number][] },
    { values: lookUp(g.dots(ofPosts, shared), requestSlots.length), pairs: allPairs(postCategorySlots, requestSlots) },
    twoCategories(g, embeddings, linear),
  ];
  return { ofCandidates, ofRequest: twoOfRequest(g, shared), lookUp };
}

const postCategories = [...categories.keys()].slice(requestCategories);

/** The dots of two categories of a post, out of a table of all that there can be. */
function twoCategories(g: GraphBuilder, embeddings: string, linear: (columns: Linear[]) => string): Dots {
  const rows = (c: number) => g.slice(embeddings, 0, categoryStarts[c], categoryStarts[c] + categories[c].size);
  const pairs = distinctPairs(postCategories);
  let start = 0;
  const columns = pairs.map(([a, b]): Linear => {
    const width = categories[b].size;
    const offset = start - categoryStarts[a] * width - categoryStarts[b];
    start += categories[a].size * width;
    return { factors: { [a]: width, [b]: 1 }, offset };
  });
  const tables = pairs.map(([a, b]) => g.reshape(g.dots(rows(a), rows(b)), [-1]));
  return {
    values: g.gather(g.concat(tables, 0), linear(columns)),
    pairs: pairs.map(([a, b]) => [categorySlots[a], categorySlots[b]]),
  };
}

/** The dots of two of the request's slots [3, 32]. */
function twoOfRequest(g: GraphBuilder, shared: string): Dots {
  const count = requestSlots.length;
  const columns = distinctPairs([...requestSlots.keys()]);
  const products = g.reshape(g.dots(shared, shared), [1, count * count]);
  return {
    values: g.gather(products, g.integers(columns.map(([a, b]) => a * count + b)), 1),
    pairs: columns.map(([a, b]) => [requestSlots[a], requestSlots[b]]),
  };
}

/** int64 [N, columns]; a product is exact here, since float32 holds all whole numbers below 2²⁴. */
function linearIn(g: GraphBuilder, numbers: string, columns: Linear[]): string {
  const factors = categories.flatMap((_, c) => columns.map((column) => column.factors[c] ?? 0));
  const offsets = columns.map(({ offset }) => offset);
  return g.cast(g.dense(numbers, Float32Array.from(factors), Float32Array.from(offsets)), "int64");
}

/** The place of a pair of slots among the distinct dots (0,1), (0,2) … of dlrm/network.ts. */
export function dotNumber([a, b]: [number, number]): number {
  const [i, j] = [Math.min(a, b), Math.max(a, b)];
  return (i * (2 * slotCount - i - 1)) / 2 + j - i - 1;
}

function distinctPairs(of: number[]): [number, number][] {
  return of.flatMap((a, i) => of.slice(i + 1).map((b): [number, number] => [a, b]));
}

function allPairs(of: number[], and: number[]): [number, number][] {
  return of.flatMap((a) => and.map((b): [number, number] => [a, b]));
}
