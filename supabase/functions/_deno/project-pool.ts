/**
 * The project's database pool. The platform sets SUPABASE_DB_URL; the project's secrets may set DATABASE_URL (its
 * transaction pooler) instead, and RECSYS_REPLICA_URL (a read replica).
 */
import type { Pool } from "../_shared/database/database.ts";
import { openPool } from "../_shared/database/pool.ts";
import { openReplica, type Replica } from "../_shared/database/replica.ts";
import type { Log } from "../_shared/http/log.ts";
import { createVersionWatcher } from "../_shared/http/schema-version.ts";

/** Opens this worker's pool. */
export function projectPool(log: Log): Pool {
  const url = Deno.env.get("DATABASE_URL") ?? Deno.env.get("SUPABASE_DB_URL");
  if (!url) throw new Error("neither DATABASE_URL nor SUPABASE_DB_URL is set");
  const versions = createVersionWatcher((error) => log("other_version", error));
  return openPool(url, (error) => log("connection_lost", error), {}, versions);
}

/** Opens the streaming replica at RECSYS_REPLICA_URL, for data that all users share; undefined if not set. */
export function projectReplica(log: Log): Replica | undefined {
  const url = Deno.env.get("RECSYS_REPLICA_URL");
  return url ? openReplica(url, log) : undefined;
}
