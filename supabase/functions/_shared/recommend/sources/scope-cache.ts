/**
 * The posts of the scopes to which people belong (recsys.source_memberships, recsys.source_post_scopes), and of none, as a worker keeps them. It
 * says where to look, and nothing of what may be shown: each feed asks row level security of every post.
 */

import { type Connection, call, type Statement } from "../../database/database.ts";
import { queryAsService } from "../../database/run-as-caller.ts";
import { sources } from "../../features/retrieval.ts";
import { decodeScopeIndex, type ScopeIndex, type SourceHits, topPostsOfScopes } from "./scope-index.ts";

export interface ScopeCandidates {
  /** By the engine's clock, in milliseconds: what was written since is not among them. */
  at: number;
  /** For a reader with that vector [32]. */
  best(vector: Float32Array): SourceHits;
}

/** In milliseconds, until the next roll-up. To read 10,000 posts takes as long as two feeds. */
const keptFor = 60_000;
/** Of a reader, in all scopes: of more, the sources find the best sooner than the worker. */
const mostOfReader = 20_000;

interface Kept {
  at: number;
  featureStore: number;
  /** null: more than `mostOfReader`. */
  index: ScopeIndex | null;
}

/** By default posts of 180 bytes, of all scopes together, and scopes. */
export function createScopeCache(limits = { posts: 131_072, scopes: 4096 }) {
  /** Those asked for last at the end. */
  const kept = new Map<string, Kept>();
  /** By scopes; each ends with the reading, also with one that fails. */
  const beingRead = new Map<string, Promise<void>>();

  let posts = 0;

  function forget(key: string): void {
    posts -= kept.get(key)?.index?.count ?? 0;
    kept.delete(key);
  }

  function keep(key: string, entry: Kept): void {
    forget(key);
    kept.set(key, entry);
    posts += entry.index?.count ?? 0;
    for (const oldest of kept.keys()) {
      if (oldest === key || (posts <= limits.posts && kept.size <= limits.scopes)) break;
      forget(oldest);
    }
  }

  return {
    /** Whether posts of these scopes, or of none, are kept: then nothing else need be tried first. */
    has: (scopes: string[], modelId: number | null): boolean =>
      [null, ...scopes].some((scope) => (kept.get(keyOf(modelId, scope))?.index?.count ?? 0) > 0),
    /**
     * The posts of these scopes, and of none, at this recsys_engine.feature_store_version and `now` (engine clock, ms); reads missing ones
     * once. null: too many or too few posts, so all sources have to be asked. `connection` is in a transaction under `role`.
     */
    async of(
      connection: Connection,
      role: string,
      scopes: string[],
      { modelId, featureStore, now }: { modelId: number | null; featureStore: number; now: number },
    ): Promise<ScopeCandidates | null> {
      if (modelId === null) return null;
      const wanted = [null, ...scopes].map((scope) => ({ scope, key: keyOf(modelId, scope) }));
      const together = keyOf(modelId, scopes);
      const isFresh = (entry?: Kept) =>
        entry?.featureStore === featureStore && Math.abs(now - entry.at) <= keptFor ? entry : undefined;
      // a request during a refresh uses the last value
      const keptOf = (key: string) => (beingRead.has(key) ? kept.get(key) : isFresh(kept.get(key)));
      const others = wanted.flatMap(({ key }) => (keptOf(key) ? [] : (beingRead.get(key) ?? [])));
      if (others.length > 0) await Promise.all(others);
      if (isFresh(kept.get(together)) || wanted.some(({ key }) => keptOf(key)?.index === null)) return null;
      const missing = wanted.filter(({ key }) => !keptOf(key));
      const room = wanted.reduce((left, { key }) => left - (keptOf(key)?.index?.count ?? 0), mostOfReader);
      if (missing.some(({ key }) => beingRead.has(key))) return null;
      const keepAt = (key: string, index: ScopeIndex | null) => keep(key, { at: now, featureStore, index });
      if (room < 0) keepAt(together, null);
      else if (missing.length > 0) {
        const asked = missing.map(({ scope }) => scope);
        const read = readScopes(connection, role, modelId, asked, room, now).then((rows) => {
          if (rows.length === 0) keepAt(together, null);
          for (const { scope, posts: packed } of rows)
            keepAt(keyOf(modelId, scope), packed === null ? null : decodeScopeIndex(packed));
        });
        const ended = read.catch(() => undefined);
        for (const { key } of missing) beingRead.set(key, ended);
        try {
          await read;
        } finally {
          for (const { key } of missing) beingRead.delete(key);
        }
      }
      if (isFresh(kept.get(together))) return null;
      const entries = wanted.map(({ key }) => kept.get(key));
      const indexes = entries.flatMap((entry) => entry?.index ?? []);
      const count = indexes.reduce((sum, index) => sum + index.count, 0);
      if (indexes.length < wanted.length || count < sources.active.fetchLimit) return null;
      for (const [i, { key }] of wanted.entries()) keep(key, entries[i] as Kept);
      const filled = indexes.filter((index) => index.count > 0);
      return {
        at: Math.min(...entries.map((entry) => entry?.at ?? now)),
        best: (vector) => topPostsOfScopes(filled, vector),
      };
    },
  };
}

/** Of a scope, or several that are too many together. With the model: two may serve in turn, as in an experiment. */
const keyOf = (modelId: number | null, scope: string | null | string[]) => JSON.stringify([modelId, scope]);

type ScopeRow = { scope: string | null; posts: string | null };

async function readScopes(
  connection: Connection,
  role: string,
  modelId: number,
  scopes: (string | null)[],
  most: number,
  now: number,
): Promise<ScopeRow[]> {
  const read: Statement<ScopeRow> = call("recsys_engine.scope_candidates", {
    p_model_id: modelId,
    p_scopes: scopes,
    p_limit: most,
    p_now: new Date(now),
  });
  return await queryAsService(connection, role, read);
}
