/** The replica of `recsys serve --replica`: looked at once, before anything is served. */

import { type Database, openDatabase } from "../../db/connect.ts";
import { checkUrl, describeUrl } from "../../db/connection-errors.ts";
import { UserError } from "../../db/user-error.ts";

/** From when a replica that does not answer is away, in milliseconds. */
const connectTimeout = 3_000;

/** Of a server, whether it follows another, and which data directory its own was copied from. */
const whose =
  "select pg_is_in_recovery() as follows, (select system_identifier::text from pg_control_system()) as system";

/**
 * Throws a `UserError` where a URL leads to anything else than a streaming replica of the database. One that is away is no error: feeds come
 * from the primary until it is back. Resolves to a line that says so, or null.
 */
export async function checkReplica(url: string, { pool, embedded }: Database): Promise<string | null> {
  if (embedded) throw new UserError("the embedded database has no replicas: leave out --replica");
  checkUrl(url);
  const replica = await openDatabase({ url, connectTimeout }).catch((error: Error) => error);
  if (replica instanceof Error) return `feeds come from --database alone until the replica is back: ${replica.message}`;
  try {
    const [[primary], [other]] = await Promise.all(
      [pool, replica.pool].map(async (each) => (await each.query(whose)).rows),
    );
    if (!other.follows)
      throw new UserError(
        `--replica leads to no replica: ${describeUrl(url)} takes writes. Give a streaming replica of --database`,
      );
    if (primary.system !== other.system)
      throw new UserError(
        `--replica is a replica of another server than --database: give one of the same, not ${describeUrl(url)}`,
      );
    return null;
  } finally {
    await replica.close();
  }
}
