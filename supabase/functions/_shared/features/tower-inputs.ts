/** The ONNX inputs of the two towers, for any number of users or posts. */

import { dimensions, poolHistory } from "./history.ts";
import { type Feeds, float32, int64 } from "./tensors.ts";
import { vectorRow } from "./text-vector.ts";
import {
  type PostText,
  postFields,
  postTokens,
  type TokenRow,
  type UserText,
  userFields,
  userTokens,
} from "./tokens.ts";

export const userNumbers = ["log_history_length", "has_history"];
/** Index of log(1 + length of the history). */
export const logHistoryLength = userNumbers.indexOf("log_history_length");
export const postNumbers = ["log_title_words", "log_description_words", "log_tags"];

/**
 * A user to embed: profile, components of their own vector, learned ID embedding (or null), vectors of the latest posts
 * (latest first), and `meanVector` of the followees' posts.
 */
export interface UserInput extends UserText {
  vector?: ArrayLike<number> | null;
  id_embedding: ArrayLike<number> | null;
  history: ArrayLike<number>[];
  followed?: ArrayLike<number> | null;
}

/** A post to embed: its text, components of its own vector, and ID embedding learned from its past (or null). */
export interface PostInput extends PostText {
  vector?: ArrayLike<number> | null;
  id_embedding: ArrayLike<number> | null;
}

type PostSaid = Pick<PostInput, "title" | "description" | "tags" | "vector">;

/** A post by its text alone, without author and ID embedding. */
export function postTextInput({ title, description, tags, vector = null }: PostSaid): PostInput {
  return { title, description, tags, vector, author_id: null, id_embedding: null };
}

/** Numbers of a user: how much history there is. */
export function userNumberRow(historyCount: number): number[] {
  return [Math.log1p(historyCount), historyCount > 0 ? 1 : 0];
}

/** Numbers of a post: how much text there is. */
export function postNumberRow(tokens: TokenRow, tags: number): number[] {
  const used = (from: number, to: number) => tokens.weights.subarray(from, to).filter((weight) => weight > 0).length;
  const [title, description] = postFields;
  return [
    Math.log1p(used(0, title.slots)),
    Math.log1p(used(title.slots, title.slots + description.slots)),
    Math.log1p(tags),
  ];
}

/** What a tower's feeds depend on: the rows of its token table (default: the spec's), and its input names. */
export interface TowerShape {
  tokenRows?: number | undefined;
  inputNames?: readonly string[];
}

/**
 * Feeds of a user tower for N users: token_ids and token_weights [N, L]; history, followed, id_embedding [N, 32];
 * numbers [N, 2]; and text_vector [N, 65] if it reads vectors.
 */
export function userTowerInputs(users: UserInput[], { tokenRows, inputNames = [] }: TowerShape = {}): Feeds {
  return {
    ...tokenFeeds(
      users.map((user) => userTokens(user, tokenRows)),
      slots(userFields),
    ),
    history: rows(users.map((user) => poolHistory(user.history))),
    followed: rows(users.map((user) => user.followed ?? zeros)),
    numbers: rows(users.map((user) => userNumberRow(user.history.length))),
    id_embedding: rows(users.map((user) => user.id_embedding ?? zeros)),
    ...(inputNames.includes("text_vector") && { text_vector: rows(users.map(({ vector }) => vectorRow(vector))) }),
  };
}

/**
 * Feeds of a post tower for N posts: token_ids and token_weights [N, L]; numbers [N, 3]; id_embedding [N, 32]; and
 * text_vector [N, 65] if it reads vectors.
 */
export function postTowerInputs(posts: PostInput[], { tokenRows, inputNames = [] }: TowerShape = {}): Feeds {
  const tokens = posts.map((post) => postTokens(post, tokenRows));
  return {
    ...tokenFeeds(tokens, slots(postFields)),
    numbers: rows(posts.map((post, i) => postNumberRow(tokens[i], post.tags.length))),
    id_embedding: rows(posts.map((post) => post.id_embedding ?? zeros)),
    ...(inputNames.includes("text_vector") && { text_vector: rows(posts.map(({ vector }) => vectorRow(vector))) }),
  };
}

/** Number of slots in a token row of these fields. */
export function slots(fields: { slots: number }[]): number {
  return fields.reduce((sum, field) => sum + field.slots, 0);
}

const zeros = new Float32Array(dimensions);

function tokenFeeds(tokens: TokenRow[], length: number): Feeds {
  const weights = new Float32Array(tokens.length * length);
  for (const [i, row] of tokens.entries()) weights.set(row.weights, i * length);
  return {
    token_ids: int64(
      tokens.flatMap((row) => [...row.ids]),
      [tokens.length, length],
    ),
    token_weights: float32(weights, [tokens.length, length]),
  };
}

function rows(values: ArrayLike<number>[]) {
  const width = values[0].length;
  const data = new Float32Array(values.length * width);
  for (const [i, row] of values.entries()) data.set(row, i * width);
  return float32(data, [values.length, width]);
}
