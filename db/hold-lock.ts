/** The engine's locks that are held for longer than a transaction of the work that they keep apart. */
import type { Database } from "./connect.ts";

/**
 * Holds recsys_engine.NAME_lock until the returned function is called; null if another session holds it. It takes a connection of its own, whose transaction
 * writes nothing and so delays no vacuum. An embedded database has one session, also behind a URL: such a transaction would block all clients, so no lock is held.
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
    // without parameters: a portal with parameters would keep its snapshot
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
