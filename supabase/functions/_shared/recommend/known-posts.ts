/** Posts as the engine knows them, whoever asks: with their state, and their vector in a model. A worker keeps those that it has met. */
import { asService } from "../database/caller.ts";
import type { Connection, Statement } from "../database/database.ts";
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

/** What the engine knows of posts as of an instant in milliseconds (null: now), in their order; `connection` is in a transaction under `role`. */
export async function readKnownPosts(
  connection: Connection,
  role: string,
  modelId: string | null,
  ids: string[],
  instant: number | null = null,
): Promise<KnownPost[]> {
  const statement: Statement<{ known: PackedPosts }> = {
    text: "select recsys.known_posts($1::bigint, $2::uuid[], coalesce(to_timestamp($3::double precision / 1000), recsys.clock())) as known",
    values: [modelId, ids, instant],
  };
  const [{ known }] = await asService(connection, role, statement);
  return unpackPosts(known);
}

/** So many posts twice, of 1.1 KB each (46 MB): what was met since as many came, and what had been met before them. */
const generation = 20_000;

/** Keeps what is known of the posts that feeds have met, until a roll-up says that it has changed. */
export function openKnownPosts() {
  let [young, old] = [new Map<string, KnownPost>(), new Map<string, KnownPost>()];
  /** Of which models; and as of which recsys.feature_store_version all of it holds. */
  const models = new Set<string | null>();
  let version = -1;

  /** Forgets what roll-ups up to that version wrote anew. */
  async function advance(connection: Connection, role: string, to: number): Promise<void> {
    if (to <= version) return;
    const rolledUp = await asService(connection, role, readRolledUp(version, to));
    if (to <= version) return;
    // the first, or more roll-ups than are named
    if (rolledUp.length < to - version || rolledUp.some(({ post_ids }) => post_ids === null)) {
      young.clear();
      old.clear();
      models.clear();
    }
    for (const { post_ids } of rolledUp)
      for (const id of post_ids ?? [])
        for (const model of models) {
          young.delete(`${model} ${id}`);
          old.delete(`${model} ${id}`);
        }
    version = to;
  }

  return {
    advance,
    /** Those posts in their order, as of the feature store's version `at` or later, after `advance` to it. */
    async of(
      connection: Connection,
      role: string,
      modelId: string | null,
      at: number,
      ids: string[],
    ): Promise<KnownPost[]> {
      const found = ids.map((id) => {
        const key = `${modelId} ${id}`;
        const kept = young.get(key);
        if (kept) return kept;
        const before = old.get(key);
        if (before) young.set(key, before);
        return before;
      });
      const missing = ids.filter((_, i) => !found[i]);
      if (missing.length === 0) return found as KnownPost[];
      const read = (await readKnownPosts(connection, role, modelId, missing)).values();
      models.add(modelId);
      for (const [i, id] of ids.entries()) {
        if (found[i]) continue;
        const known = read.next().value as KnownPost;
        found[i] = known;
        // what was read before a roll-up of which others have heard already may be what it wrote anew; and a vector may come at any time
        if (at === version && (known.embedding || modelId === null)) young.set(`${modelId} ${id}`, known);
      }
      if (young.size > generation) [young, old] = [new Map(), young];
      return found as KnownPost[];
    },
  };
}
export type KnownPostsCache = ReturnType<typeof openKnownPosts>;

function readRolledUp(since: number, to: number): Statement<{ post_ids: string[] | null }> {
  return {
    text: "select post_ids from recsys.rolled_up_posts where version > $1::bigint and version <= $2::bigint",
    values: [since, to],
  };
}
