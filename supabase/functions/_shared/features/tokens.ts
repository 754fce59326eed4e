/**
 * Text to hashed tokens: the part of the towers outside their graphs, shared by trainer and functions. All fields and
 * both towers share one table, so a word in a passion and in a title has the same row.
 */
import { words } from "./words.ts";

/** Default number of rows of the token table (trainer/models/towers/hyperparameters.ts); row 0 is padding. */
export const tokenRows = 16_384;

/** A text field of a tower: its tokens take up to `slots` elements of the row; the rest is padding. */
export interface Field {
  name: string;
  slots: number;
}

export const userFields: Field[] = [
  { name: "passions", slots: 16 },
  { name: "projects", slots: 24 },
  { name: "bio", slots: 40 },
];

export const postFields: Field[] = [
  { name: "title", slots: 24 },
  { name: "description", slots: 64 },
  { name: "tags", slots: 8 },
  { name: "author", slots: 1 },
];

/** Hashed tokens of one row, field after field: `ids[i]` has the weight `weights[i]`; padding has id 0 and weight 0. */
export interface TokenRow {
  ids: Int32Array;
  weights: Float32Array;
}

export interface UserText {
  passions: string[];
  projects: string[];
  bio: string;
}

export interface PostText {
  title: string;
  description: string;
  tags: string[];
  author_id: string | null;
}

/** Tokens of a user's profile, [Σ slots of userFields]. */
export function userTokens(user: UserText, rows?: number): TokenRow {
  return tokenRow(userFields, [words(user.passions.join(" ")), words(user.projects.join(" ")), words(user.bio)], rows);
}

/** Tokens of a post, [Σ slots of postFields]. Comments are not used: they are written later, so they would leak. */
export function postTokens(post: PostText, rows?: number): TokenRow {
  const author = post.author_id === null ? [] : [`author ${post.author_id}`];
  return tokenRow(postFields, [words(post.title), words(post.description), words(post.tags.join(" ")), author], rows);
}

/** The row of a word in a token table: FNV-1a over its UTF-8 bytes, 1 to rows − 1. */
export function tokenId(word: string, rows = tokenRows): number {
  let hash = 0x811c9dc5;
  for (const byte of encoder.encode(word)) hash = Math.imul(hash ^ byte, 0x01000193);
  return 1 + ((hash >>> 0) % (rows - 1));
}

const encoder = new TextEncoder();

function tokenRow(fields: Field[], texts: string[][], rows?: number): TokenRow {
  const length = fields.reduce((sum, field) => sum + field.slots, 0);
  const row = { ids: new Int32Array(length), weights: new Float32Array(length) };
  let offset = 0;
  for (const [f, field] of fields.entries()) {
    const counts = new Map<number, number>();
    for (const word of texts[f]) {
      const id = tokenId(word, rows);
      if (counts.has(id) || counts.size < field.slots) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    // 1 + ln(count) as in tf-idf, each field scaled to unit length; the rows of the table contain the idf
    const norm = Math.hypot(...[...counts.values()].map((count) => 1 + Math.log(count)));
    let slot = offset;
    for (const [id, count] of counts) {
      row.ids[slot] = id;
      row.weights[slot] = (1 + Math.log(count)) / norm;
      slot++;
    }
    offset += field.slots;
  }
  return row;
}
