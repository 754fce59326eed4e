/** What the two towers are fed: the ONNX inputs of any number of users or posts. */

import { dimensions, poolHistory } from "./history.ts";
import { type Feeds, float32, int64 } from "./tensors.ts";
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
export const postNumbers = ["log_title_words", "log_description_words", "log_tags"];

/** A user to embed: profile, learned ID embedding (null: none), vectors of the latest posts (latest first), `meanVector` of the followed. */
export interface UserInput extends UserText {
  id_embedding: ArrayLike<number> | null;
  history: ArrayLike<number>[];
  followed?: ArrayLike<number> | null;
}

/** A post to embed: its text, and the ID embedding learned from its own past (null: none). */
export interface PostInput extends PostText {
  id_embedding: ArrayLike<number> | null;
}

/** A post as its text alone places it: who wrote it and who comes to it say nothing. */
export function postTextInput({ title, description, tags }: Omit<PostText, "author_id">): PostInput {
  return { title, description, tags, author_id: null, id_embedding: null };
}

/** Numbers of a user: how much history there is to trust. */
export function userNumberRow(historyCount: number): number[] {
  return [Math.log1p(historyCount), historyCount > 0 ? 1 : 0];
}

/** Numbers of a post: how much text there is to trust. */
export function postNumberRow(tokens: TokenRow, tags: number): number[] {
  const used = (from: number, to: number) => tokens.weights.subarray(from, to).filter((weight) => weight > 0).length;
  const [title, description] = postFields;
  return [
    Math.log1p(used(0, title.slots)),
    Math.log1p(used(title.slots, title.slots + description.slots)),
    Math.log1p(tags),
  ];
}

/** Feeds of a user tower with so many rows of tokens for N users: token_ids and token_weights [N, L], history [N, 32], numbers [N, 2], id_embedding [N, 32]. */
export function userTowerInputs(users: UserInput[], tokenRows?: number): Feeds {
  return {
    ...tokenFeeds(
      users.map((user) => userTokens(user, tokenRows)),
      slots(userFields),
    ),
    history: rows(users.map((user) => poolHistory(user.history))),
    followed: rows(users.map((user) => user.followed ?? zeros)),
    numbers: rows(users.map((user) => userNumberRow(user.history.length))),
    id_embedding: rows(users.map((user) => user.id_embedding ?? zeros)),
  };
}

/** Feeds of a post tower with so many rows of tokens for N posts: token_ids and token_weights [N, L], numbers [N, 3], id_embedding [N, 32]. */
export function postTowerInputs(posts: PostInput[], tokenRows?: number): Feeds {
  const tokens = posts.map((post) => postTokens(post, tokenRows));
  return {
    ...tokenFeeds(tokens, slots(postFields)),
    numbers: rows(posts.map((post, i) => postNumberRow(tokens[i], post.tags.length))),
    id_embedding: rows(posts.map((post) => post.id_embedding ?? zeros)),
  };
}

/** How many slots a token row of these fields has. */
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
