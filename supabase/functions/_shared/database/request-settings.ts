/** Which headers of a request policies may read in a function, where PostgREST shows them all (`request.headers`). */
import type { CallerRequest } from "../http/caller-request.ts";
import { type Connection, type Pool, run } from "./database.ts";
import { db } from "./query.ts";

/** In milliseconds: a change of the setting holds in a worker after that long. */
const keptFor = 60_000;
const forwarded = new WeakMap<Pool, { names: string[]; until: number }>();
/** Of a header's value, in characters: a longer one names no tenant, and would travel with each transaction. */
const longestValue = 8192;
/** Functions may be deployed before the migration is. */
const undefinedColumn = "42703";

const readForwarded = db.selectFrom("recsys.settings").select("forwarded_headers");

/** The headers that policies may read, as JSON. `connection`, of the pool, is in no transaction. */
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
