/**
 * Posts as the engine knows them, the same for all readers: state, and vector in a model. A worker keeps those that
 * it has read.
 */

import type { Connection, Query } from "../../database/database.ts";
import { db, fn, instantOf } from "../../database/query.ts";
import { queryAsService } from "../../database/run-as-caller.ts";
import { unpackVectors } from "../../database/vectors.ts";
import { type Candidate, emptyPostState, type PostState } from "../../features/ranker-features.ts";
import { vectorWidth } from "../../features/text-vector.ts";
import type { Components } from "../../features/vector-match.ts";
import type { WithGraph } from "../../models/run-graph.ts";
import type { Standing } from "../selection/selectable.ts";
import { createPostSnapshotStore, type PostSnapshot, type PostSnapshotStore } from "./snapshot-store.ts";

/** What the app says of a post. */
export interface Post extends Pick<Candidate, "title" | "tags" | "hash" | "author_id" | "created_at"> {
  post_id: string;
  /** Whether its author is in a closed circle (recsys_engine.circle_members). */
  of_circle: boolean;
  /** As in `Selectable`. */
  standing: Standing | null;
}

/** Posts in columns, as recsys_engine.post_columns has them; null: there are none. */
export type PostColumnArrays = { [Column in keyof Post]: Post[Column][] | null };

export function postsFromColumns(columns: PostColumnArrays): Post[] {
  const { post_id, title, tags, author_id, created_at, of_circle, standing } = columns as {
    [Column in keyof Post]: Post[Column][];
  };
  return (post_id ?? []).map((id, i) => ({
    post_id: id,
    title: title[i],
    tags: tags[i],
    author_id: author_id[i],
    created_at: created_at[i],
    of_circle: of_circle[i],
    standing: standing[i],
  }));
}

/** The model was replaced and dropped after the request had begun: its vectors are gone. */
export class ModelDroppedError extends Error {}

/** What recsys_engine.post_snapshots returns; null where it was asked for none. */
export interface PackedPostSnapshots {
  /** Rows of recsys_engine.post_stats, with times as text; null: no interactions yet. */
  states: (Record<string, unknown> | null)[] | null;
  has_embedding: boolean[] | null;
  /** Those that there are, one after the other; as in `unpackVectors`. */
  embeddings: string | null;
  /** The same of the posts' own vectors' components; null: the model reads none. */
  has_components: boolean[] | null;
  components: string | null;
}

/** The posts in the order in which they were asked for. */
export function unpackPostSnapshots({
  states,
  has_embedding,
  embeddings,
  ...own
}: PackedPostSnapshots): PostSnapshot[] {
  const vectors = unpackVectors(embeddings).values();
  const components = unpackVectors(own.components, vectorWidth).values();
  return (states ?? []).map((state, i) => ({
    state: state === null ? emptyPostState : stateOf(state),
    embedding: has_embedding?.[i] ? (vectors.next().value ?? null) : null,
    components: own.has_components?.[i] ? (components.next().value ?? null) : null,
  }));
}

/**
 * The components of the posts of a reader's history, as far as `known` has them; undefined: the ranker does not use
 * them.
 */
export async function readHistoryComponents(
  ranker: WithGraph<"dlrm"> | Error,
  posts: string[],
  known: (ids: string[]) => Promise<PostSnapshot[]>,
): Promise<Components[] | undefined> {
  if (ranker instanceof Error || !ranker.graphs.dlrm.inputNames.includes("vector_match")) return undefined;
  return (await known(posts)).map(({ components }) => components);
}

const columns = Object.keys(emptyPostState);

function stateOf(row: Record<string, unknown>): PostState {
  const state: Record<string, unknown> = { ...emptyPostState };
  for (const column of columns) state[column] = column.endsWith("_at") ? milliseconds(row[column]) : row[column];
  return state as PostState;
}

function milliseconds(time: unknown): number | null {
  return time === null ? null : Date.parse(time as string);
}

/** What the engine knows of posts as of an instant in milliseconds (default: now), in their order; `connection` is in a transaction under `role`. */
export async function readPostSnapshots(
  connection: Connection,
  role: string,
  modelId: number | null,
  ids: string[],
  instant?: number,
): Promise<PostSnapshot[]> {
  // not as a Date, which would cut microseconds off
  const p_now = instant === undefined ? undefined : instantOf(instant);
  const known = fn("recsys_engine.post_snapshots", {
    p_model_id: modelId,
    p_post_ids: ids,
    p_now,
  }).$castTo<PackedPostSnapshots>();
  const [row] = await queryAsService(connection, role, db.selectNoFrom(known.as("known")));
  return unpackPostSnapshots(row.known);
}

/** Of the model that serves, and one that an experiment compares with it or that serves next. */
const mostModels = 2;

/** Keeps what is known of the posts that feeds have met, until a roll-up says that it has changed. */
export function createPostCache() {
  const models = new Map<number | null, PostSnapshotStore>();
  /** As of which recsys_engine.feature_store_version all of it holds. */
  let version = -1;

  /** Forgets what roll-ups up to that version rewrote. */
  async function advance(connection: Connection, role: string, to: number): Promise<void> {
    if (to <= version) return;
    const rolledUp = await queryAsService(connection, role, readRolledUp(version, to));
    if (to <= version) return;
    // the first, or more roll-ups than are named
    if (rolledUp.length < to - version || rolledUp.some(({ post_ids }) => post_ids === null)) models.clear();
    for (const { post_ids } of rolledUp)
      for (const id of post_ids ?? []) for (const posts of models.values()) posts.forget(id);
    version = to;
  }

  function postsOf(modelId: number | null): PostSnapshotStore {
    const found = models.get(modelId);
    if (found) return found;
    for (const oldest of models.keys()) if (models.size >= mostModels) models.delete(oldest);
    const posts = createPostSnapshotStore(modelId !== null);
    models.set(modelId, posts);
    return posts;
  }

  return {
    advance,
    /** Those posts in their order, as of the feature store's version `at` or later, after `advance` to it. */
    async of(
      connection: Connection,
      role: string,
      modelId: number | null,
      at: number,
      ids: string[],
    ): Promise<PostSnapshot[]> {
      const kept = postsOf(modelId);
      const found = ids.map((id) => kept.of(id));
      const missing = ids.filter((_, i) => !found[i]);
      if (missing.length === 0) return found as PostSnapshot[];
      const read = (await readPostSnapshots(connection, role, modelId, missing)).values();
      for (const [i, id] of ids.entries()) {
        if (found[i]) continue;
        const known = read.next().value as PostSnapshot;
        found[i] = known;
        // what was read before a roll-up of which others have heard already may be what it rewrote
        if (at === version) postsOf(modelId).keep(id, known);
      }
      return found as PostSnapshot[];
    },
  };
}

function readRolledUp(since: number, to: number): Query<{ post_ids: string[] | null }> {
  return db
    .selectFrom("recsys_engine.rolled_up_posts")
    .select("post_ids")
    .where("version", ">", since)
    .where("version", "<=", to);
}
