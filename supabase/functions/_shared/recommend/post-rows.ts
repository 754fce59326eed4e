/**
 * Posts as the engine knows them, as rows of numbers: as objects, with lists and texts of their own, 25,000 posts were 480,000 things for a worker's
 * garbage collector to look through.
 */
import { dimensions } from "../features/history.ts";
import { type Kind, kinds } from "../features/kinds.ts";
import { type PostState, quietPost } from "../features/ranker-features.ts";

/** What the engine knows of a post, as recsys.known_posts packs it. */
export interface KnownPost {
  state: PostState;
  /** [32]; null: none yet. */
  embedding: Float32Array | null;
}

/** Rows for `size` posts, of a model or of none. No row is written over, so a feed may go on reading what it found. */
export function openPostRows(size: number, hasVectors: boolean) {
  const rows = new Map<string, number>();
  const states = new Float64Array(size * width);
  const vectors = new Float32Array(hasVectors ? size * dimensions : 0);
  let length = 0;
  return {
    of(id: string): KnownPost | undefined {
      const row = rows.get(id);
      if (row === undefined) return undefined;
      const embedding = hasVectors ? vectors.subarray(row * dimensions, (row + 1) * dimensions) : null;
      return { state: readState(states, row * width), embedding };
    },
    /** Neither a state that is no row of numbers is kept, nor a post without a vector: it may come at any time. */
    keep(id: string, { state, embedding }: KnownPost): void {
      if ((hasVectors && !embedding) || !writeState(states, length * width, state)) return;
      if (embedding) vectors.set(embedding, length * dimensions);
      rows.set(id, length++);
    },
    forget: (id: string) => rows.delete(id),
    isFull: () => length === size,
  };
}
export type PostRows = ReturnType<typeof openPostRows>;

type Single = number | boolean | Kind | null;
type Value = Single | ArrayLike<number>;
const isList = (value: Value): value is ArrayLike<number> => Array.isArray(value);
/** The columns of a state, with how many numbers a list has; null: it is a single value. */
const columns = Object.entries<Value>(quietPost).map(([name, quiet]) => ({
  name: name as keyof PostState,
  isTruth: typeof quiet === "boolean",
  length: isList(quiet) ? quiet.length : null,
}));
/** What lists are copied from, so that they are of doubles. */
const doubles = Array.from({ length: Math.max(...columns.map(({ length }) => length ?? 0)) }, () => 0.5);
const width = columns.reduce((sum, { length }) => sum + (length ?? 1), 0);

/** Writes a state from there on; whether all of it could be written. */
function writeState(numbers: Float64Array, start: number, state: PostState): boolean {
  let at = start;
  for (const { name, length } of columns) {
    const value: Value = state[name];
    if (isList(value) ? value.length !== length : length !== null) return false;
    if (isList(value)) for (let i = 0; i < value.length; i++) numbers[at++] = numberOf(value[i]);
    else numbers[at++] = numberOf(value);
  }
  for (let i = start; i < at; i++) if (Math.abs(numbers[i]) === Number.POSITIVE_INFINITY) return false;
  return true;
}

function readState(numbers: Float64Array, start: number): PostState {
  // all begin as copies of one, so that they are alike in memory: small, and quick to read
  const state: Record<string, unknown> = { ...quietPost };
  let at = start;
  for (let c = 0; c < columns.length; c++) {
    const { name, isTruth, length } = columns[c];
    if (length === null) state[name] = singleOf(name, isTruth, numbers[at++]);
    else {
      const list = doubles.slice(0, length);
      for (let i = 0; i < length; i++) list[i] = numbers[at++];
      state[name] = list;
    }
  }
  return state as PostState;
}

/** null is NaN, and what no number tells is infinite. */
function numberOf(value: Single): number {
  if (value === null) return Number.NaN;
  const number = typeof value === "string" ? kinds.indexOf(value) : Number(value);
  return Number.isNaN(number) || (typeof value === "string" && number < 0) ? Number.POSITIVE_INFINITY : number;
}

function singleOf(name: string, isTruth: boolean, number: number): Single {
  if (Number.isNaN(number)) return null;
  if (name === "kind") return kinds[number];
  if (isTruth) return number === 1;
  // a count as a whole number, which takes no place of its own in memory
  return (number | 0) === number ? number | 0 : number;
}
