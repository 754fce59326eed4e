/** The engine's locks that are held for longer than a transaction of the work that they keep apart. */
import type { Database } from "./connect.ts";

/**
 * Holds recsys_engine.NAME_lock until what it returns is called; null where somebody else holds it. Its transaction is one of a connection of its own, which
 * writes nothing and so keeps no vacuum waiting. An embedded database is one session for all, also behind a URL: such a transaction would block everybody, so nothing is held.
 */
export async function holdLock(
  { pool }: Pick<Database, "pool">,
  name: "publish" | "topics_made" | "archive",
): Promise<(() => Promise<void>) | null> {
  const { rows: servers } = await pool.query("select version() ~ 'PGlite' as is_embedded");
  if (servers[0].is_embedded) return async () => {};
  const client = await pool.connect();
  // a connection that breaks takes the lock with it, and the work goes on
  client.on("error", () => {});
  let isHeld = false;
  try {
    await client.query("begin; set local idle_in_transaction_session_timeout = 0");
    // without parameters, of which the portal would keep its snapshot
    const { rows } = await client.query(`select recsys_engine.try_lock('${name}') as held`);
    isHeld = rows[0].held;
  } finally {
    if (!isHeld) client.release(true);
  }
  if (!isHeld) return null;
  return async () => {
    await client.query("rollback").catch(() => {});
    client.release(true);
  };
}
