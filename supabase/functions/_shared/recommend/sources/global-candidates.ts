/**
 * What is common to all feeds: the posts that are the last active, the newest and the trending for everybody, kept by the worker. Who
 * may see them is never kept: each feed asks recsys_engine.feed_candidates.
 */
import type { Connection } from "../../database/database.ts";
import { createPostCache } from "../post-cache/post-cache.ts";
import { type GlobalCandidates, readGlobalCandidates } from "./read-global-candidates.ts";
import { createScopeCache } from "./scope-cache.ts";
import { createStrategyMemory } from "./strategy-memory.ts";

/**
 * Roll-ups end what is kept; a title that was changed in between is used this much later, in
 * milliseconds. What was written meanwhile recsys_engine.feed_candidates brings.
 */
const keptFor = 10_000;
/** Requests that began at the same time have clocks that differ by less. */
const sameMoment = 1_000;

export function createGlobalCandidatesCache() {
  let kept: { featureStore: number; common: GlobalCandidates } | undefined;
  return {
    /** What is known of these and of other posts. */
    known: createPostCache(),
    /** What there is of scopes, and of none. */
    ofScopes: createScopeCache(),
    /** For whom they do. */
    ways: createStrategyMemory(),
    /** Those of this recsys_engine.feature_store_version at `now`, the engine's clock in milliseconds; `connection` is in a transaction under `role`. */
    async of(connection: Connection, role: string, featureStore: number, now: number): Promise<GlobalCandidates> {
      if (kept?.featureStore === featureStore) {
        const age = now - kept.common.at;
        if (age <= keptFor && age > -sameMoment) return kept.common;
      }
      kept = { featureStore, common: await readGlobalCandidates(connection, role) };
      return kept.common;
    },
  };
}
export type GlobalCandidatesCache = ReturnType<typeof createGlobalCandidatesCache>;
