// @ts-types="npm:@types/pg@8.23.1"
import pg from "pg";
import { maxConcurrentRequests } from "../http/admission-control.ts";
import { isMissing } from "../http/errors.ts";
import type { VersionWatch } from "../http/schema-version.ts";
import { createConnectionScheduler } from "./connection-scheduler.ts";
import type { Connection, Pool } from "./database.ts";

/** Number of connections per worker. */
export const poolSize = maxConcurrentRequests;

/**
 * Client-side query timeout in milliseconds: after it the connection counts as dead and is
 * closed. Statement timeouts are shorter.
 */
export const queryTimeout = 8_000;

/** Minimum interval, in milliseconds, at which errors about missing objects trigger a check of the schema version. */
const askAgainAfter = 10_000;

/**
 * One worker's pool. It uses no named prepared statements, so it works behind a transaction pooler. `onError` gets the
 * errors of idle connections; `versions` compares the schema's version with this code's.
 */
export function openPool(
  url: string,
  onError: (error: Error) => void,
  options: pg.PoolConfig = {},
  versions?: VersionWatch,
): ClosablePool {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: 3_000,
    query_timeout: queryTimeout,
    // begin, role and first query are sent together: three round trips for a whole feed
    pipeline: true,
    keepAlive: true,
    application_name: "recsys",
    types: { getTypeParser },
    Client,
    ...options,
  } as pg.PoolConfig);
  pool.on("error", onError);
  pool.on("connect", (client) => {
    // its query reports the error; without a listener it would also end the process
    client.on("error", () => undefined);
    inOnePacket(client as Wired);
    // on the wire: a second listener on a query's promise would drop the caller's frames from the error's stack
    (client as Wired).connection.on("errorMessage", onFailure);
    // sent in one packet with the first query of this connection
    void versions?.ask(client);
  });
  let asked = 0;
  /** Checks the schema version again, since an upgrade may come while connections live. */
  function onFailure(error: { code?: unknown }): void {
    if (!versions || !isMissing(error.code) || Date.now() - asked < askAgainAfter) return;
    asked = Date.now();
    void versions.ask(pool);
  }
  const turns = createConnectionScheduler(options.max ?? poolSize);
  return {
    async connect(person, isBegun) {
      const giveBack = await turns.take(person, isBegun);
      try {
        const client = await pool.connect();
        const release = client.release.bind(client);
        client.release = (destroy) => {
          release(destroy);
          giveBack();
        };
        return client as Connection;
      } catch (error) {
        giveBack();
        throw error;
      }
    },
    end: () => pool.end(),
  };
}

/** The driver's stream, which its types do not declare. */
type Wired = pg.PoolClient & {
  connection: {
    stream: { cork(): void; uncork(): void };
    on(event: "errorMessage" | "error", listener: (error: { code?: unknown; message?: unknown }) => void): void;
  };
};

/**
 * Deno reports `write EBADF` if the database closes a connection during a write. This gives the error the code of other
 * lost connections before the driver passes it to the queries.
 */
class Client extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config);
    (this as unknown as Wired).connection.on("error", (error) => {
      if (error.code !== "EBADF") return;
      error.message = "the database closed the connection while a query was sent";
      error.code = "ECONNRESET";
    });
  }
}

/** Sends all statements of one event-loop turn as one packet; the driver alone would write each separately. */
function inOnePacket(client: Wired): void {
  const { stream } = client.connection;
  const query = client.query;
  client.query = ((...sent: unknown[]) => {
    stream.cork();
    queueMicrotask(() => stream.uncork());
    return Reflect.apply(query, client, sent);
  }) as typeof query;
}

export interface ClosablePool extends Pool {
  end(): Promise<void>;
}

const [int8, int8Array] = [20, 1016];
const interval = 1186;

/** Reads bigint as a number (ids and counts stay far below 2^53) and interval as text. Vectors are text already. */
export const getTypeParser: typeof pg.types.getTypeParser = ((oid: number, format?: "text") => {
  if (oid === int8) return Number;
  if (oid === int8Array) {
    const parse = pg.types.getTypeParser(oid);
    return (text: string) => (parse(text) as (string | null)[]).map((each) => each && Number(each));
  }
  if (oid === interval) return String;
  return pg.types.getTypeParser(oid, format);
}) as typeof pg.types.getTypeParser;
