/** Posts as the engine knows them, whoever asks: with their state, and their vector in a model. */

import { unpackVectors } from "../database/vectors.ts";
import type { Candidate } from "../features/ranker-features.ts";
import { quietPost } from "./states.ts";

/** What is read of a post's state; where nobody came yet, that of a quiet one. */
type State = Pick<
  Candidate,
  | "last_active_at"
  | "kind"
  | "views"
  | "votes"
  | "comments"
  | "participants"
  | "last_comment_at"
  | "by_author"
  | "recent"
>;

/** A post, whoever asks for it. */
export interface KnownPost extends State, Pick<Candidate, "title" | "tags" | "author_id" | "created_at"> {
  post_id: string;
  /** [32]; null: none yet. */
  embedding: Float32Array | null;
}

/** The model was replaced and dropped after the request had begun: its vectors are gone. */
export class ModelGone extends Error {}

/** Posts in columns, null where nobody came yet: rows took the driver 4 ms for 500 posts, and the database 1 ms more. */
export type PostColumns = { [Name in keyof State]: (State[Name] | null)[] } & {
  [Name in Exclude<keyof KnownPost, keyof State | "embedding">]: KnownPost[Name][];
} & {
  has_embedding: boolean[];
  /** Those that there are, one after the other; as in `unpackVectors`. */
  embeddings: string | null;
};

/** Where no row was found, all columns are null. */
export type NoPosts = { post_id: null };

export function knownPosts(columns: PostColumns | NoPosts): KnownPost[] {
  if (columns.post_id === null) return [];
  const vectors = unpackVectors(columns.embeddings).values();
  return columns.post_id.map((post_id, i) => ({
    post_id,
    title: columns.title[i],
    tags: columns.tags[i],
    author_id: columns.author_id[i],
    created_at: columns.created_at[i],
    embedding: columns.has_embedding[i] ? (vectors.next().value ?? null) : null,
    last_active_at: columns.last_active_at[i],
    kind: columns.kind[i],
    views: columns.views[i] ?? quietPost.views,
    votes: columns.votes[i] ?? quietPost.votes,
    comments: columns.comments[i] ?? quietPost.comments,
    participants: columns.participants[i] ?? quietPost.participants,
    last_comment_at: columns.last_comment_at[i],
    by_author: columns.by_author[i] ?? quietPost.by_author,
    recent: columns.recent[i] ?? quietPost.recent,
  }));
}

/** The select list of those columns from rows named `rows`, each with title, tags and so on and the columns of recsys.post_states. */
export function packedPosts(rows: string): string {
  return `json_agg(${rows}.post_id) as post_id,
        json_agg(${rows}.title) as title,
        json_agg(${rows}.tags) as tags,
        json_agg(${rows}.author_id) as author_id,
        json_agg(1000 * date_part('epoch', ${rows}.created_at)) as created_at,
        json_agg(${rows}.embedding is not null) as has_embedding,
        translate(encode(string_agg(extensions.vector_send(${rows}.embedding), ''::bytea), 'base64'), E'\\n', '') as embeddings,
        json_agg(1000 * date_part('epoch', ${rows}.last_active_at)) as last_active_at,
        json_agg(${rows}.kind) as kind,
        json_agg(${rows}.views) as views,
        json_agg(${rows}.votes) as votes,
        json_agg(${rows}.comments) as comments,
        json_agg(${rows}.participants) as participants,
        json_agg(1000 * date_part('epoch', ${rows}.last_comment_at)) as last_comment_at,
        json_agg(${rows}.by_author) as by_author,
        json_agg(${rows}.recent) as recent`;
}

/** Whether the vectors of a model are gone, in SQL; null has none. */
export function isModelGone(modelId: string): string {
  return `(${modelId}::bigint is not null and to_regclass('recsys.post_embeddings_' || ${modelId}::bigint) is null)`;
}
