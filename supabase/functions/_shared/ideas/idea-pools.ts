/**
 * The pool of ideas: made once a day for everybody and stored, since it takes seconds of a processor at 25,000 posts, and workers come and
 * go; each keeps what it read.
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

/** A worker looks for a newer one each hour, and keeps those of the model that serves. */
const keeping = { keptFor: 3_600_000, retryAfter: 10_000, most: 1 };

export type Tower = () => Promise<InferenceSession | null>;
export type Making = () => Promise<unknown>;

/** `now`: milliseconds of any clock. */
export function openIdeaPools(now: () => number = () => performance.now()) {
  const pools = createTtlLoader<number | null, IdeaPool>(keeping, now);
  const makers = createTtlLoader<number | null, IdeaMaker>(keeping, now);
  return {
    /**
     * That of the active model, whose post tower `tower` gives where the pool is made; null: no model is active. What is a day old does
     * once more, and `later` is given what makes the next.
     */
    of(database: Pool, modelId: number | null, tower: Tower, later: (make: Making) => void): Promise<IdeaPool> {
      return pools(modelId, () => storedOrMade(database, modelId, tower, later));
    },
    /** With the community's words, which are in no store: for titles from elsewhere. */
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
  // one that an earlier version stored names no posts and no tags
  const { ideas, needs = [], ...pool } = stored.pool;
  return { ...pool, needs, ideas: ideas.map((idea) => ({ from: [], tags: [], ...idea })), named: stored.post_ids };
}

/** Makes the pool of a model from what there is now, and stores it. */
export async function makeIdeas(database: Pool, modelId: number | null, tower: Tower): Promise<IdeaMaker> {
  const [source, session] = await Promise.all([readIdeaSource(database, modelId), tower()]);
  const maker = await makeIdeaPool(source, session);
  await transactAs(database, service, storePool(modelId, maker.pool), async () => undefined);
  return maker;
}

/** Of an earlier version it has no posts, and no tags. */
type StoredPool = Omit<IdeaPool, "named" | "needs" | "ideas"> &
  Partial<Pick<IdeaPool, "needs">> & { ideas: (Omit<Idea, "from" | "tags"> & Partial<Pick<Idea, "from" | "tags">>)[] };

/** None where it is another model's. */
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
