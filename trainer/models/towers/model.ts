/** The trained state of the two towers, and what they are fed of a community. */
import {
  dimensions,
  historyDecay,
  historyLength,
  meanVector,
} from "../../../supabase/functions/_shared/features/history.ts";
import { vectorInputs, vectorRow } from "../../../supabase/functions/_shared/features/text-vector.ts";
import { postFields, postTokens, userFields, userTokens } from "../../../supabase/functions/_shared/features/tokens.ts";
import {
  postNumberRow,
  postNumbers,
  userNumberRow,
  userNumbers,
} from "../../../supabase/functions/_shared/features/tower-inputs.ts";
import type { Community } from "../../data/replay/community.ts";
import { postText, userText } from "../../data/replay/texts.ts";
import type { DenseWeights, Matrix } from "../nn/dense.ts";
import { EmbeddingTable } from "../nn/embedding-table.ts";
import type { Random } from "../nn/random.ts";
import { vectorAt } from "../nn/vector-at.ts";
import { newTowerWeights, readsVectors } from "./network.ts";
import { TokenBags, type TokenDropout } from "./token-bags.ts";

/** A community as the towers read it: text hashed once. */
export class TowerData {
  readonly userBags: TokenBags;
  readonly postBags: TokenBags;
  readonly postNumbers: Float32Array;
  /** Undefined: no post has one, or no user. */
  readonly vectors: { posts: Community["posts"]["vectors"]; users: Community["users"]["vectors"] };
  readonly tokenRows: number;

  constructor(community: Community, { tokenRows }: { tokenRows: number }) {
    this.tokenRows = tokenRows;
    this.vectors = { posts: community.posts.vectors, users: community.users.vectors };
    const { users, posts } = community;
    this.userBags = new TokenBags(
      userFields,
      users.ids.map((_, u) => userTokens(userText(community, u), tokenRows)),
    );
    this.postNumbers = new Float32Array(posts.ids.length * postNumbers.length);
    const rows = posts.ids.map((_, p) => {
      const row = postTokens(postText(community, p), tokenRows);
      this.postNumbers.set(postNumberRow(row, posts.tags[p].length), p * postNumbers.length);
      return row;
    });
    this.postBags = new TokenBags(postFields, rows);
  }
}

/** Everything training changes. */
export interface Towers {
  tokens: EmbeddingTable;
  userIdEmbeddings: EmbeddingTable;
  postIdEmbeddings: EmbeddingTable;
  dense: DenseWeights;
}

/**
 * Untrained towers: token rows are random and short, scaled by their idf among posts before `until`. A word no post had is zero,
 * or it would drown the known words of a new post. ID embeddings are zero.
 */
export function newTowers(
  community: Community,
  data: TowerData,
  until: number,
  options: { hidden: number; biasDeviation: number; idfDivisor: number; vectorScale: number },
  random: Random,
): Towers {
  const documents = community.posts.createdAt.filter((at) => at < until).length;
  const frequencies = data.postBags.documentFrequencies(documents, data.tokenRows);
  const tokens = new EmbeddingTable(data.tokenRows, dimensions);
  for (let row = 1; row < data.tokenRows; row++) {
    const idf = frequencies[row] === 0 ? 0 : Math.log((1 + documents) / (1 + frequencies[row]));
    for (let d = 0; d < dimensions; d++)
      tokens.weights.values[row * dimensions + d] = (idf / options.idfDivisor) * random.normal();
  }
  return {
    tokens,
    userIdEmbeddings: new EmbeddingTable(community.users.ids.length, dimensions),
    postIdEmbeddings: new EmbeddingTable(community.posts.ids.length, dimensions),
    dense: newTowerWeights(options, random, {
      posts: data.vectors.posts !== undefined,
      users: data.vectors.users !== undefined,
    }),
  };
}

/** The dense inputs of some users, each with the vectors of their history (latest first) already pooled in `history`, and the means of the followed. */
export function userInputs(
  towers: Towers,
  data: TowerData,
  users: ArrayLike<number>,
  history: Float32Array,
  followed: Float32Array,
  counts: ArrayLike<number>,
  dropout?: TokenDropout,
): Record<string, Matrix> {
  const n = users.length;
  return {
    fields: { values: data.userBags.lookUp(towers.tokens, users, dropout), shape: [n, userFields.length * dimensions] },
    history: { values: history, shape: [n, dimensions] },
    followed: { values: followed, shape: [n, dimensions] },
    numbers: { values: Float32Array.from(Array.from(counts, userNumberRow).flat()), shape: [n, userNumbers.length] },
    id_embedding: { values: gatherRows(towers.userIdEmbeddings, users), shape: [n, dimensions] },
    ...(readsVectors(towers.dense).users && { text_vector: vectorRows(users, data.vectors.users) }),
  };
}

/** The dense inputs of some posts. */
export function postInputs(
  towers: Towers,
  data: TowerData,
  posts: ArrayLike<number>,
  dropout?: TokenDropout,
): Record<string, Matrix> {
  const n = posts.length;
  const width = postNumbers.length;
  const numbers = new Float32Array(n * width);
  for (let i = 0; i < n; i++)
    numbers.set(data.postNumbers.subarray(posts[i] * width, (posts[i] + 1) * width), i * width);
  return {
    fields: { values: data.postBags.lookUp(towers.tokens, posts, dropout), shape: [n, postFields.length * dimensions] },
    numbers: { values: numbers, shape: [n, width] },
    id_embedding: { values: gatherRows(towers.postIdEmbeddings, posts), shape: [n, dimensions] },
    ...(readsVectors(towers.dense).posts && { text_vector: vectorRows(posts, data.vectors.posts) }),
  };
}

/**
 * Pools the post vectors of each history (post numbers, latest first), [histories, 32]: `poolHistory` of many, without
 * the array it takes for each vector, which would be a tenth of a training step.
 */
export function poolHistories(histories: number[][], postVectors: Float32Array): Float32Array {
  const out = new Float32Array(histories.length * dimensions);
  for (let h = 0; h < histories.length; h++) {
    const history = histories[h];
    const count = Math.min(history.length, historyLength);
    const total = (1 - historyDecay ** count) / (1 - historyDecay);
    for (let i = 0, weight = 1 / total; i < count; i++, weight *= historyDecay) {
      const from = history[i] * dimensions;
      for (let d = 0; d < dimensions; d++) out[h * dimensions + d] += weight * postVectors[from + d];
    }
  }
  return out;
}

/** The mean vector of each list of posts, [lists, 32]; zeros: the list is empty. */
export function meanVectorsOf(posts: number[][], postVectors: Float32Array): Float32Array {
  const out = new Float32Array(posts.length * dimensions);
  for (const [i, each] of posts.entries()) {
    const mean = meanVectorOf(each, postVectors);
    if (mean) out.set(mean, i * dimensions);
  }
  return out;
}

/** The mean vector of some posts: `meanVector` of them. */
export function meanVectorOf(posts: number[], postVectors: Float32Array): Float32Array | null {
  return meanVector(posts.map((post) => vectorAt(postVectors, post)));
}

function vectorRows(numbers: ArrayLike<number>, vectors: (Float32Array | null)[] = []): Matrix {
  const values = new Float32Array(numbers.length * vectorInputs);
  for (let i = 0; i < numbers.length; i++) values.set(vectorRow(vectors[numbers[i]]), i * vectorInputs);
  return { values, shape: [numbers.length, vectorInputs] };
}

function gatherRows(table: EmbeddingTable, rows: ArrayLike<number>): Float32Array {
  const out = new Float32Array(rows.length * table.width);
  for (let i = 0; i < rows.length; i++) table.addRow(rows[i], 1, out, i * table.width);
  return out;
}
