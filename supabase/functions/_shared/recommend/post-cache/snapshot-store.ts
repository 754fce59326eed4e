/**
 * Posts as the engine knows them, as rows of numbers: as objects, with lists and texts of their own, 25,000 posts were 480,000 things for a worker's
 * garbage collector to look through.
 */
import { dimensions } from "../../features/history.ts";
import { type Kind, kinds } from "../../features/kinds.ts";
import { emptyPostState, type PostState } from "../../features/ranker-features.ts";
import { vectorWidth } from "../../features/text-vector.ts";
import { createUuidIndex } from "./uuid-index.ts";

/** What the engine knows of a post, as recsys_engine.post_snapshots packs it. */
export interface PostSnapshot {
  state: PostState;
  /** [32]; null: none yet. */
  embedding: Float32Array | null;
  /** [64]: of its own vector; null: it has none, or the model reads none. */
  components: Float32Array | null;
}

interface Block {
  states: Float64Array;
  vectors: Float32Array;
  /** Made for the first post that has any: 256 bytes more of each. */
  components?: Float32Array;
}

/**
 * Rows for 102,400 posts of a model, or of none, of 230 bytes each, in up to `mostBlocks` blocks of `size` rows; the oldest
 * block is renewed, and rows read since it was written stay. Rows are never overwritten, so a feed goes on reading its rows.
 */
export function createPostSnapshotStore(hasVectors: boolean, size = 4096, mostBlocks = 25) {
  const ids = createUuidIndex(mostBlocks * size);
  /** By row, whether it was met since it was written. */
  const met = new Uint8Array(mostBlocks * size);
  const blocks: Block[] = [];
  /** The block that is written, and how many of its rows are. It begins as if one before the first were full. */
  let [newest, written] = [-1, size];

  /** Rewrites the next block, from what was met of it. */
  function renew(): void {
    [newest, written] = [(newest + 1) % mostBlocks, 0];
    const before = blocks[newest];
    const block: Block = {
      states: new Float64Array(size * width),
      vectors: new Float32Array(hasVectors ? size * dimensions : 0),
    };
    blocks[newest] = block;
    const first = newest * size;
    const wereMet = met.slice(first, first + size);
    met.fill(0, first, first + size);
    ids.renew(first, first + size, (row) => {
      const at = row - first;
      if (!wereMet[at]) return undefined;
      block.states.set(before.states.subarray(at * width, (at + 1) * width), written * width);
      if (hasVectors) block.vectors.set(vectorAt(before, at), written * dimensions);
      if (before.components) setComponents(block, written, componentsAt(before, at));
      return first + written++;
    });
  }

  return {
    of(id: string): PostSnapshot | undefined {
      const row = ids.of(id);
      if (row === undefined) return undefined;
      met[row] = 1;
      const place = Math.floor(row / size);
      const [block, at] = [blocks[place], row - place * size];
      return {
        state: readState(block.states, at * width),
        embedding: hasVectors ? vectorAt(block, at) : null,
        components: componentsAt(block, at),
      };
    },
    /** Neither a state that is no row of numbers is kept, nor a post without a vector: it may come at any time. */
    keep(id: string, { state, embedding, components }: PostSnapshot): void {
      if (hasVectors && !embedding) return;
      // all of a block may have been met; then of the next, and at last none
      while (written === size) renew();
      const { states, vectors } = blocks[newest];
      if (!writeState(states, written * width, state) || !ids.set(id, newest * size + written)) return;
      if (embedding) vectors.set(embedding, written * dimensions);
      setComponents(blocks[newest], written, components);
      written++;
    },
    forget: ids.forget,
  };
}
export type PostSnapshotStore = ReturnType<typeof createPostSnapshotStore>;

function vectorAt({ vectors }: Block, row: number): Float32Array {
  return vectors.subarray(row * dimensions, (row + 1) * dimensions);
}

/** Zeros are no vector to `vectorMatches` either. */
function componentsAt({ components }: Block, row: number): Float32Array | null {
  return components?.subarray(row * vectorWidth, (row + 1) * vectorWidth) ?? null;
}

function setComponents(block: Block, row: number, components: Float32Array | null): void {
  if (!components) return;
  block.components ??= new Float32Array((block.vectors.length / dimensions) * vectorWidth);
  block.components.set(components, row * vectorWidth);
}

type Single = number | boolean | Kind | null;
type Value = Single | ArrayLike<number>;
const isList = (value: Value): value is ArrayLike<number> => Array.isArray(value);
/** The columns of a state, with how many numbers a list has; null: it is a single value. */
const columns = Object.entries<Value>(emptyPostState).map(([name, quiet]) => ({
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
  const state: Record<string, unknown> = { ...emptyPostState };
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
