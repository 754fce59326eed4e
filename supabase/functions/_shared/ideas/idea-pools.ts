/**
 * Stores the pool of ideas. It is made once a day for all users, since that takes seconds of CPU
 * time at 25,000 posts; workers cache it.
 */
import { sql } from "kysely";
import type { Pool } from "../database/database.ts";
import { db } from "../database/query.ts";
import { readAs, service, transactAs } from "../database/run-as-caller.ts";
import type { InferenceSession } from "../models/inference.ts";
import type { Idea } from "./idea.ts";
import { type IdeaMaker, type IdeaPool, makeIdeaPool } from "./idea-pool.ts";
import { readIdeaSource } from "./read-idea-source.ts";
import { createTtlLoader } from "./ttl-loader.ts";

/** A worker reads the stored pool once an hour and caches only that of the serving model. */
const keeping = { keptFor: 3_600_000, retryAfter: 10_000, most: 1 };

export type Tower = () => Promise<InferenceSession | null>;
export type Making = () => Promise<unknown>;

/** `now`: milliseconds of any clock. */
export function openIdeaPools(now: () => number = () => performance.now()) {
  const pools = createTtlLoader<number | null, IdeaPool>(keeping, now);
  const makers = createTtlLoader<number | null, IdeaMaker>(keeping, now);
  return {
    /**
     * The pool for the active model (or null); `tower` loads its post tower if the pool must be made. A pool older than
     * a day is used once more, and `later` gets the work that makes the next one.
     */
    of(database: Pool, modelId: number | null, tower: Tower, later: (make: Making) => void): Promise<IdeaPool> {
      return pools(modelId, () => storedOrMade(database, modelId, tower, later));
    },
    /** A maker with the community's words, which are not stored; for titles from a language model. */
    maker(database: Pool, modelId: number | null, tower: Tower): Promise<IdeaMaker> {
      return makers(modelId, () => makeIdeas(database, modelId, tower));
    },
  };
}
export type IdeaPools = ReturnType<typeof openIdeaPools>;

async function storedOrMade(
  database: Pool,
  modelId: number | null,
  tower: Tower,
  later: (make: Making) => void,
): Promise<IdeaPool> {
  const [stored] = await readAs(database, service, storedPool(modelId), async (_, rows) => rows);
  if (!stored) return (await makeIdeas(database, modelId, tower)).pool;
  if (stored.is_old) later(() => makeIdeas(database, modelId, tower));
  // fields that pools stored by an earlier version lack
  const { ideas, needs = [], ...pool } = stored.pool;
  return { ...pool, needs, ideas: ideas.map((idea) => ({ from: [], tags: [], ...idea })), named: stored.post_ids };
}

/** Makes and stores the current pool of a model. */
export async function makeIdeas(database: Pool, modelId: number | null, tower: Tower): Promise<IdeaMaker> {
  const [source, session] = await Promise.all([readIdeaSource(database, modelId), tower()]);
  const maker = await makeIdeaPool(source, session);
  await transactAs(database, service, storePool(modelId, maker.pool), async () => undefined);
  return maker;
}

/** A stored pool; those of an earlier version have no posts and tags. */
type StoredPool = Omit<IdeaPool, "named" | "needs" | "ideas"> &
  Partial<Pick<IdeaPool, "needs">> & { ideas: (Omit<Idea, "from" | "tags"> & Partial<Pick<Idea, "from" | "tags">>)[] };

/** Returns no row if the stored pool is another model's. */
function storedPool(modelId: number | null) {
  return db
    .selectFrom("recsys_engine.idea_pool")
    .select([
      sql<StoredPool>`pool`.as("pool"),
      "post_ids",
      sql<boolean>`made_at < now() - interval '1 day'`.as("is_old"),
    ])
    .where("model_id", "is not distinct from", modelId);
}

function storePool(modelId: number | null, { named, ...pool }: IdeaPool) {
  return db
    .insertInto("recsys_engine.idea_pool")
    .values({ model_id: modelId, pool: JSON.stringify(pool), post_ids: named as string[] })
    .onConflict((row) =>
      row.column("is_only").doUpdateSet(({ ref }) => ({
        model_id: ref("excluded.model_id"),
        pool: ref("excluded.pool"),
        post_ids: ref("excluded.post_ids"),
        made_at: ref("excluded.made_at"),
      })),
    );
}
