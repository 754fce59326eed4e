/** What PostgREST tells policies of a request (`request.method`, `request.path`, `request.headers`), for policies that read it in a function. */
import { type Connection, type Pool, run } from "./database.ts";
import { db } from "./query.ts";

/** The request that a caller sent. A symbol, so that no claim of a token can be taken for it, and JSON of the claims has it not. */
export const request: unique symbol = Symbol("request");

export interface CallerRequest {
  method: string;
  path: string;
  /** By their names in lower case, all of them: which of them a policy may read, recsys.settings.forwarded_headers says. */
  headers: Record<string, string>;
}

export function requestOfCaller({ method, headers }: Pick<Request, "method" | "headers">, path: string): CallerRequest {
  // copied, since Deno lets nobody read the headers of a request that was answered
  return { method, path, headers: Object.fromEntries(headers) };
}

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
