/** Posts as the engine knows them, whoever asks: with their state, and their vector in a model. */
import { unpackVectors } from "../database/vectors.ts";
import { type Candidate, type PostState, quietPost } from "../features/ranker-features.ts";

/** What the engine knows of a post, as recsys.known_posts packs it. */
export interface KnownPost {
  state: PostState;
  /** [32]; null: none yet. */
  embedding: Float32Array | null;
}

/** What the app says of a post. */
export interface Post extends Pick<Candidate, "title" | "tags" | "author_id" | "created_at"> {
  post_id: string;
}

/** Posts in columns, as recsys.told_posts has them; null: there are none. */
export type ToldPosts = { [Column in keyof Post]: Post[Column][] | null };

export function toldPosts(columns: ToldPosts): Post[] {
  const { post_id, title, tags, author_id, created_at } = columns as { [Column in keyof Post]: Post[Column][] };
  return (post_id ?? []).map((id, i) => ({
    post_id: id,
    title: title[i],
    tags: tags[i],
    author_id: author_id[i],
    created_at: created_at[i],
  }));
}

/** The model was replaced and dropped after the request had begun: its vectors are gone. */
export class ModelGone extends Error {}

/** What recsys.known_posts returns; null where it was asked for none. */
export interface PackedPosts {
  /** Rows of recsys.post_stats, with times as text; null: nobody came yet. */
  states: (Record<string, unknown> | null)[] | null;
  has_embedding: boolean[] | null;
  /** Those that there are, one after the other; as in `unpackVectors`. */
  embeddings: string | null;
}

/** The posts in the order in which they were asked for. */
export function unpackPosts({ states, has_embedding, embeddings }: PackedPosts): KnownPost[] {
  const vectors = unpackVectors(embeddings).values();
  return (states ?? []).map((state, i) => ({
    state: state === null ? quietPost : stateOf(state),
    embedding: has_embedding?.[i] ? (vectors.next().value ?? null) : null,
  }));
}

const columns = Object.keys(quietPost) as (keyof PostState)[];

function stateOf(row: Record<string, unknown>): PostState {
  return Object.fromEntries(
    columns.map((column) => [column, column.endsWith("_at") ? milliseconds(row[column]) : row[column]]),
  ) as unknown as PostState;
}

function milliseconds(time: unknown): number | null {
  return time === null ? null : Date.parse(time as string);
}
