/** The posts of a scope as a worker keeps them (recsys_engine.scope_candidates): 184 bytes each, by which the best for a reader are found exactly. */

import { bytesOf } from "../../database/vectors.ts";
import { dimensions } from "../../features/history.ts";
import { globalSources, type Source, sourceOptions } from "../../features/retrieval.ts";
import { capPerAuthor } from "./author-cap.ts";

export interface ScopeIndex {
  count: number;
  ids: Uint8Array;
  /** Hashes; 0: unknown. */
  authors: Int32Array;
  vectors: Float32Array;
  /** 0: it has none. */
  hasVector: Uint8Array;
  /** By what each common source ranks, −Infinity: it does not bring the post; and the places of those that it looks at first, in its order. */
  of: Partial<Record<Source, { values: Float64Array; first: number[] }>>;
}

/** How many a source finds, the best first: some are the reader's own, known to them or hidden. */
export const sourceFetchLimit = (source: Source): number =>
  source === "similar" ? 1000 : 2 * sourceOptions[source].fetchLimit;

/** What an index finds for each source: ids of posts, the best first. */
export type SourceHits = Partial<Record<Source, string[]>>;

const [idBytes, bytes] = [16, 184];
/** Where in a post its figures begin, each of 8 bytes, and its vector, with a header that begins with its length. */
const figures: Partial<Record<Source, number>> = { fresh: 20, active: 28, trending: 36, popular: 44 };
const [lengthAt, vectorAt] = [52, 56];

export function decodeScopeIndex(packed: string): ScopeIndex {
  const posts = bytesOf(packed);
  const view = new DataView(posts.buffer);
  const count = posts.length / bytes;
  const ids = new Uint8Array(idBytes * count);
  const authors = new Int32Array(count);
  const vectors = new Float32Array(dimensions * count);
  const hasVector = new Uint8Array(count);
  for (let post = 0, at = 0; post < count; post++, at += bytes) {
    ids.set(posts.subarray(at, at + idBytes), idBytes * post);
    authors[post] = view.getInt32(at + idBytes);
    hasVector[post] = Number(view.getUint16(at + lengthAt) > 0);
    for (let d = 0; d < dimensions; d++) vectors[dimensions * post + d] = view.getFloat32(at + vectorAt + 4 * d);
  }
  const index: ScopeIndex = { count, ids, authors, vectors, hasVector, of: {} };
  for (const source of globalSources) {
    const offset = figures[source] as number;
    const values = Float64Array.from({ length: count }, (_, post) => view.getFloat64(bytes * post + offset));
    const sorted = highest(values, count);
    index.of[source] = {
      values,
      first: shared(sorted, (place) => authors[sorted[place]], source).map((i) => sorted[i]),
    };
  }
  return index;
}

/** What several scopes have together for a reader with that vector [32]. */
export function topPostsOfScopes(indexes: ScopeIndex[], vector: Float32Array): SourceHits {
  const lists: SourceHits = {
    similar: merged(
      indexes,
      "similar",
      indexes.map((index) => nearest(index, vector)),
    ),
  };
  for (const source of globalSources)
    lists[source] = merged(
      indexes,
      source,
      indexes.map(({ of }) => of[source] ?? none),
    );
  return lists;
}
const none = { values: new Float64Array(0), first: [] };

function nearest({ count, vectors, hasVector }: ScopeIndex, vector: Float32Array) {
  const values = new Float64Array(count);
  for (let post = 0, at = 0; post < count; post++) {
    let sum = 0;
    for (let d = 0; d < dimensions; d++) sum += vectors[at++] * vector[d];
    values[post] = hasVector[post] ? sum : Number.NEGATIVE_INFINITY;
  }
  return { values, first: highest(values, sourceFetchLimit("similar")) };
}

/** The best of all, each once, of equally good ones those with the lower id. */
function merged(indexes: ScopeIndex[], source: Source, found: { values: Float64Array; first: number[] }[]): string[] {
  const entries = found.flatMap(({ values, first }, i) =>
    first.map((post) => ({ value: values[post], post, index: indexes[i] })),
  );
  const idOf = ({ index, post }: (typeof entries)[number]) => idAt(index.ids, post);
  if (indexes.length > 1) entries.sort((a, b) => b.value - a.value || (idOf(a) < idOf(b) ? -1 : 1));
  const best = shared([...entries.keys()], (i) => entries[i].index.authors[entries[i].post], source);
  return [...new Set(best.map((i) => idOf(entries[i])))];
}

/** Those of a source's order that it looks at: in what is kept an author has twice their share before all others. Of the nearest it looks at all. */
function shared(places: number[], authorOf: (place: number) => number, source: Source): number[] {
  if (source === "similar") return places.slice(0, sourceFetchLimit(source));
  const options = { most: sourceFetchLimit(source), share: 2 * sourceOptions[source].maxPerAuthor, cut: undefined };
  const author = (place: number) => authorOf(place) || null;
  return (capPerAuthor([...places.keys()], author, options, new Set()) ?? []).sort((a, b) => a - b);
}

/** Places of the `most` highest values, the highest first, of equal ones the lower place; −Infinity is none of them. */
function highest(values: Float64Array, most: number): number[] {
  const least = most < values.length ? values.toSorted()[values.length - most] : Number.NEGATIVE_INFINITY;
  const places: number[] = [];
  for (let place = 0; place < values.length; place++)
    if (values[place] >= least && values[place] > Number.NEGATIVE_INFINITY) places.push(place);
  return places.sort((a, b) => values[b] - values[a] || a - b).slice(0, most);
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function idAt(ids: Uint8Array, place: number): string {
  let id = "";
  for (let i = 0; i < idBytes; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) id += "-";
    id += hex[ids[idBytes * place + i]];
  }
  return id;
}
