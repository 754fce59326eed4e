/** Makes topics anew whenever another model serves, whoever switched: `recsys worker` and `recsys serve`. */
import type { Database } from "../db/connect.ts";
import { storeIdeas } from "../trainer/ideas/store-ideas.ts";
import { topicsAreStale } from "../trainer/topics/are-stale.ts";
import { makeTopics, type TopicsMade } from "../trainer/topics/make-topics.ts";
import { keep } from "./keep.ts";

export interface KeepTopicsOptions {
  /** Milliseconds between two looks whether another model serves. */
  every?: number;
  /** Milliseconds until what failed is tried again: it may take a processor for a minute each time. */
  again?: number;
  onMade?: (made: TopicsMade) => void;
  onError?: (error: unknown) => void;
}

/** Looks now, and again after each `every` milliseconds. The function that it returns ends that; topics half made are left as they were. */
export function keepTopics(database: Database, options: KeepTopicsOptions = {}): () => Promise<void> {
  const { every = 10_000, again = 300_000, onMade, onError = () => {} } = options;
  let notBefore = 0;
  return keep(async (signal) => {
    if (performance.now() < notBefore) return;
    try {
      if (!(await topicsAreStale(database))) return;
      const made = await makeTopics({ database, onProgress: () => {}, signal });
      if (made) onMade?.(made);
      await storeIdeas(database);
    } catch (error) {
      // to be stopped is no trouble
      if (signal.aborted) return;
      notBefore = performance.now() + again;
      onError(error);
    }
  }, every);
}
