// @ts-types="npm:@types/pg@8.23.1"
import pg from "pg";
import { maxConcurrentRequests } from "../http/admission-control.ts";
import { isMissing } from "../http/errors.ts";
import type { VersionWatch } from "../http/schema-version.ts";
import { createConnectionScheduler } from "./connection-scheduler.ts";
import type { Connection, Pool } from "./database.ts";

/** Connections of one worker. */
export const poolSize = maxConcurrentRequests;

/** How long an answer is waited for, in milliseconds: then its connection is taken for dead and closed. Statements have shorter limits of their own. */
export const queryTimeout = 8_000;

/** After how many milliseconds something that is missing has the schema's version asked for again. */
const askAgainAfter = 10_000;

/**
 * A pool for one worker: few connections, short timeouts, and no named prepared statements, so that a transaction pooler
 * may stand between. `onError` is told of idle connections that died, `versions` asks whether the schema is that of this code.
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
    // begin, role and first query travel together: three round trips for a whole feed
    pipeline: true,
    keepAlive: true,
    application_name: "recsys",
    types: { getTypeParser },
    Client,
    ...options,
  } as pg.PoolConfig);
  pool.on("error", onError);
  pool.on("connect", (client) => {
    // a connection that dies in use tells its query; without a listener it would also end the process
    client.on("error", () => undefined);
    inOnePacket(client as Wired);
    // on the wire: a second listener of a query's promise would take the caller's lines out of its error's stack
    (client as Wired).connection.on("errorMessage", onFailure);
    // before what this connection is for, and in one packet with it
    void versions?.ask(client);
  });
  let asked = 0;
  /** An upgrade may come while connections live. */
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

/** The driver's own stream, of which its types say nothing. */
type Wired = pg.PoolClient & {
  connection: {
    stream: { cork(): void; uncork(): void };
    on(event: "errorMessage" | "error", listener: (error: { code?: unknown; message?: unknown }) => void): void;
  };
};

/**
 * Deno says `write EBADF` where the database closed the connection while something was sent. Here it gets the code of other lost
 * connections, before the driver hands it to the queries.
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

/** What is sent in one turn goes to the network as one: by itself the driver writes each statement alone, 17 of them a feed. */
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

/** bigint as number: ids and counts of this schema stay far below 2^53. interval as PostgreSQL writes it. Vectors are text already. */
export const getTypeParser: typeof pg.types.getTypeParser = ((oid: number, format?: "text") => {
  if (oid === int8) return Number;
  if (oid === int8Array) {
    const parse = pg.types.getTypeParser(oid);
    return (text: string) => (parse(text) as (string | null)[]).map((each) => each && Number(each));
  }
  if (oid === interval) return String;
  return pg.types.getTypeParser(oid, format);
}) as typeof pg.types.getTypeParser;
