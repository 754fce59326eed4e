/** The headers of a request that policies may read (`request.headers`); PostgREST passes all of them. */
import type { CallerRequest } from "../http/caller-request.ts";
import { type Connection, type Pool, run } from "./database.ts";
import { db } from "./query.ts";

/** TTL in milliseconds: how long a worker uses a setting before it reads it again. */
const keptFor = 60_000;
const forwarded = new WeakMap<Pool, { names: string[]; until: number }>();
/** Maximum length of a header's value in characters: each transaction sends it. */
const longestValue = 8192;
/** undefined_column: the functions may be deployed before the migration. */
const undefinedColumn = "42703";

const readForwarded = db.selectFrom("recsys.settings").select("forwarded_headers");

/** The headers that policies may read, as JSON. `connection` is one of the pool and in no transaction. */
export async function forwardedHeaders(pool: Pool, connection: Connection, sent: CallerRequest): Promise<string> {
  const now = performance.now();
  let known = forwarded.get(pool);
  if (!known || now >= known.until) {
    const rows = await run(connection, readForwarded).catch((error: { code?: unknown }) => {
      if (error.code === undefinedColumn) return [];
      throw error;
    });
    known = { names: rows[0]?.forwarded_headers ?? [], until: now + keptFor };
    forwarded.set(pool, known);
  }
  const named = new Set(known.names);
  const handedOn = Object.entries(sent.headers).filter(
    ([name, value]) => named.has(name) && value.length <= longestValue,
  );
  return JSON.stringify(Object.fromEntries(handedOn));
}
