/** Made-up communities of the suite's sizes. */
import type { Database } from "../../db/connect.ts";
import { openPostgresCopy } from "../../db/testing-postgres.ts";
import { Random } from "../../trainer/models/nn/random.ts";
import { activateModel, fill, topicVectors } from "../shared/generated-community.ts";

/** A made-up community in a database of its own, whose model is active. */
export interface ServedCommunity {
  database: Database;
  modelId: number;
  /** [posts, 32], in the order of the posts' ids. */
  vectors: Float32Array;
  users: string[];
  /** How long it took to make it up, in seconds. */
  seconds: number;
}

/** A person for every 10 posts, 6 interactions a post over 90 days, so 60 a person whatever the size. Closing the database drops it. */
export async function makeUpCommunity(server: string, posts: number): Promise<ServedCommunity> {
  const begun = performance.now();
  const database = await openPostgresCopy(server, `serving_${posts}`);
  try {
    const { pool } = database;
    await fill(pool, { people: Math.ceil(posts / 10), posts, interactions: 6 * posts, days: 90 });
    // each request is counted, and none refused
    await pool.query("update recsys.settings set requests_per_minute = 1000000");
    const vectors = topicVectors(new Random(1), posts);
    const modelId = await activateModel(database, vectors);
    const { rows } = await pool.query("select id from public.profiles order by id");
    return {
      database,
      modelId,
      vectors,
      users: rows.map((row) => row.id),
      seconds: (performance.now() - begun) / 1000,
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
