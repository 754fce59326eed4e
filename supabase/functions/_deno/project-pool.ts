/**
 * The project's database and its models, for the functions that use them. The platform sets SUPABASE_DB_URL; as a secret of the project,
 * DATABASE_URL may name its transaction pooler instead, and RECSYS_REPLICA_URL a read replica.
 */
import type { Pool } from "../_shared/database/database.ts";
import { openPool } from "../_shared/database/pool.ts";
import { openReplica, type Replica } from "../_shared/database/replica.ts";
import type { Log } from "../_shared/http/log.ts";
import { createVersionWatcher } from "../_shared/http/schema-version.ts";

/** The pool of this worker. */
export function projectPool(log: Log): Pool {
  const url = Deno.env.get("DATABASE_URL") ?? Deno.env.get("SUPABASE_DB_URL");
  if (!url) throw new Error("neither DATABASE_URL nor SUPABASE_DB_URL is set");
  const versions = createVersionWatcher((error) => log("other_version", error));
  return openPool(url, (error) => log("connection_lost", error), {}, versions);
}

/** The streaming replica that RECSYS_REPLICA_URL names, for what of a feed is everybody's; undefined: there is none. */
export function projectReplica(log: Log): Replica | undefined {
  const url = Deno.env.get("RECSYS_REPLICA_URL");
  return url ? openReplica(url, log) : undefined;
}
