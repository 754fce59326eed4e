import type pg from "pg";
import type { Database } from "./connect.ts";

/** Runs what reads in a transaction on a connection of its own: it sees one state of the database, and cannot write. */
export async function reading<Result>(
  { pool }: Pick<Database, "pool">,
  read: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    await client.query("begin isolation level repeatable read read only");
    return await read(client);
  } finally {
    await client.query("rollback").catch(() => {});
    client.release();
  }
}
