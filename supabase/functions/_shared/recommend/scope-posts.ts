/**
 * What is common to people of the same scopes (recsys_engine.source_memberships), as the last for whom it was read may read it: the last active, the newest and
 * the trending posts, and the vectors of all. It says where to look, and nothing of what may be shown: each feed asks row level security of every post.
 */
import { asService } from "../database/caller.ts";
import { type Connection, call, type Statement } from "../database/database.ts";
import { type CommonPosts, readCommonPosts } from "./read-common-posts.ts";
import { openVectors, type Vectors } from "./scope-vectors.ts";

export interface ScopePosts {
  common: CommonPosts;
  vectors: Vectors;
}

/** In milliseconds, until the next roll-up. What was written meanwhile each feed finds itself. */
const commonKeptFor = 30_000;
/** In milliseconds. To read those of 10,000 posts takes as long as a feed without them; what is new comes by other sources meanwhile. */
const vectorsKeptFor = 300_000;
/** Posts of all scopes together, of 144 bytes each; and scopes, whose common posts take 0.25 MB each. */
const [mostPosts, mostScopes] = [131_072, 64];

interface Kept {
  common?: CommonPosts & { featureStore: number };
  /** `found` null: too few or too many posts to be kept. */
  vectors?: { at: number; found: Vectors | null };
  isBeingRead: boolean;
}

export function openScopePosts(limits = { posts: mostPosts, scopes: mostScopes }) {
  /** Those asked for last at the end. */
  const kept = new Map<string, Kept>();

  function keep(key: string, entry: Kept): void {
    kept.delete(key);
    kept.set(key, entry);
    let posts = 0;
    for (const { vectors } of kept.values()) posts += vectors?.found?.count ?? 0;
    for (const [oldest, { vectors }] of kept) {
      if (oldest === key || (posts <= limits.posts && kept.size <= limits.scopes)) break;
      posts -= vectors?.found?.count ?? 0;
      kept.delete(oldest);
    }
  }

  return {
    /** Whether something is kept for people of these scopes, so that nothing else need be tried first. */
    has: (role: string, scopes: string[], modelId: number | null): boolean =>
      Boolean(kept.get(keyOf(role, scopes, modelId))?.vectors?.found),
    /**
     * What is kept as of this recsys_engine.feature_store_version at `now`, the engine's clock in milliseconds; it is read for the second who asks, since it
     * would be in vain where nobody shares the scopes. null: all sources have to be asked. `connection` is in a transaction of the caller's, under `role`.
     */
    async of(
      connection: Connection,
      role: string,
      scopes: string[],
      { modelId, featureStore, now }: { modelId: number | null; featureStore: number; now: number },
    ): Promise<ScopePosts | null> {
      if (scopes.length === 0 || modelId === null) return null;
      const key = keyOf(role, scopes, modelId);
      const entry = kept.get(key);
      keep(key, entry ?? { isBeingRead: false });
      // those who come meanwhile would read the same once more
      if (!entry || entry.isBeingRead) return null;
      entry.isBeingRead = true;
      try {
        if (!entry.vectors || !isFresh(entry.vectors.at, vectorsKeptFor, now)) {
          entry.vectors = { at: now, found: await readVectors(connection, role, modelId) };
          keep(key, entry);
        }
        const vectors = entry.vectors.found;
        if (!vectors) return null;
        if (entry.common?.featureStore !== featureStore || !isFresh(entry.common.at, commonKeptFor, now))
          entry.common = { ...(await readCommonPosts(connection, role, true)), featureStore };
        return { common: entry.common, vectors };
      } finally {
        entry.isBeingRead = false;
      }
    },
  };
}

/** With the model: two may serve in turn, as in an experiment. */
const keyOf = (role: string, scopes: string[], modelId: number | null) => JSON.stringify([modelId, role, ...scopes]);
const isFresh = (at: number, keptFor: number, now: number) => Math.abs(now - at) <= keptFor;

async function readVectors(connection: Connection, role: string, modelId: number): Promise<Vectors | null> {
  const read: Statement<{ readable_vectors: { post_ids: string | null; embeddings: string | null } | null }> = call(
    "recsys_engine.readable_vectors",
    { p_model_id: modelId, p_role: role },
  );
  const [{ readable_vectors: found }] = await asService(connection, role, read);
  return found && openVectors(found);
}
