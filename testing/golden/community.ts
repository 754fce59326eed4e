/** The community of the golden answers: synthetic, on a cluster of its own with a replica, at an instant that stands still, ranked by a model that was never trained. */

import type { Scope } from "../../db/testing.ts";
import { type Replicated, replicatedDatabase } from "../../db/testing-replica.ts";
import { publishRandomModel, standingCommunity } from "../batch.ts";

/** Enough posts that each source has more than it brings. */
const size = { users: 220, posts: 1000, days: 30 };

export interface GoldenCommunity extends Replicated {
  readers: GoldenReader[];
  modelId: number;
  /** Where the clock stands. */
  now: string;
}

export interface GoldenReader {
  id: string;
  passions: string[];
  /** Tags and authors that they filter by. */
  tags: string[];
  authors: string[];
  /** Posts that the app names. */
  named: string[];
  /** The post of the recsys.explain calls: one that the reader interacted with, or any. */
  explained: string;
}

/** Makes the community for so many readers; all of it is gone when the scope is over. */
export async function goldenCommunity(scope: Scope, readers: number): Promise<GoldenCommunity> {
  const replicated = await replicatedDatabase(scope);
  const { database } = replicated;
  const { pool } = database;
  // what would make plans, and with them the order of equal rows, another each time
  const settings = [
    "autovacuum = off",
    "max_parallel_workers_per_gather = 0",
    // a sample of so many rows is the whole of each table
    "default_statistics_target = 1000",
    "timezone = 'UTC'",
  ];
  for (const setting of settings) await pool.query(`alter system set ${setting}`);
  await pool.query("select pg_reload_conf()");
  await standingCommunity(database, size);
  const modelId = await publishRandomModel(database, "golden");
  await pool.query("update recsys.models set learned_until = '2026-02-01'");
  await pool.query("update recsys.settings set requests_per_minute = null");
  await pool.query("update recsys.impressions set seen_at = shown_at + interval '5 seconds' where position <= 3");
  await pool.query("select recsys.roll_up(null)");
  await pool.query("vacuum analyze");
  const drawn = (what: string, limit: number) =>
    `(select ${what} from recsys.source_posts where cardinality(tags) > 0 order by md5(users.user_id::text || post_id) limit ${limit})`;
  const { rows } = await pool.query<GoldenReader>(
    `select users.user_id as id, users.passions,
       array${drawn("tags[1]", 3)} as tags, array${drawn("author_id", 5)} as authors, array${drawn("post_id", 60)} as named,
       coalesce(
         (select post_id from recsys.source_interactions where user_id = users.user_id and md5(user_id::text) < '8' order by created_at desc, post_id limit 1),
         ${drawn("post_id", 1)}
       ) as explained
     from recsys.source_users as users order by md5('reader' || users.user_id) limit $1`,
    [readers],
  );
  const clock = await pool.query("select recsys.clock()::text as now");
  return { ...replicated, readers: rows, modelId, now: clock.rows[0].now };
}
