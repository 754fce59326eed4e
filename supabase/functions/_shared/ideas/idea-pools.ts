/** The pool of ideas of each worker: made for the first who asks, kept for all who ask after them. */
import type { Pool } from "../database/database.ts";
import type { InferenceSession } from "../models/inference.ts";
import { type IdeaPool, makeIdeaPool } from "./idea-pool.ts";
import { readIdeaSource } from "./read-posts.ts";

/** Topics are counted anew as often; it takes a second of a worker's time at 25,000 posts. Milliseconds. */
const keptFor = 3_600_000;
/** What failed is not tried again for so long: it would be asked of the database with every request. */
const retryAfter = 10_000;

/** `now`: milliseconds of any clock. */
export function openIdeaPools(now: () => number = () => performance.now()) {
  let kept: { modelId: string | null; until: number; pool: Promise<IdeaPool> } | undefined;
  return {
    /** That of the active model, whose post tower `tower` gives where the pool is made; null: no model is active. */
    of(database: Pool, modelId: string | null, tower: () => Promise<InferenceSession | null>): Promise<IdeaPool> {
      if (kept?.modelId === modelId && now() < kept.until) return kept.pool;
      const making = { modelId, until: now() + keptFor, pool: make(database, tower) };
      kept = making;
      making.pool.catch(() => {
        making.until = now() + retryAfter;
      });
      return making.pool;
    },
  };
}
export type IdeaPools = ReturnType<typeof openIdeaPools>;

async function make(database: Pool, tower: () => Promise<InferenceSession | null>): Promise<IdeaPool> {
  const [source, session] = await Promise.all([readIdeaSource(database), tower()]);
  return await makeIdeaPool(source, session);
}
