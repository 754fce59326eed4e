import type { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { fatal, sqlOfMessage } from "./embedded-messages.ts";
import { oneStatementAtATime } from "./embedded-queue.ts";

/** What PGLiteSocketServer keeps of a message that waits for the database. */
interface Waiting {
  timestamp: number;
  onData(answer: Uint8Array): void;
  /** Ends the connection. */
  reject(error: Error): void;
}

/**
 * A server, not yet started, whose connections share an embedded database, statement by statement and transaction by transaction.
 * With `patience` (ms; for tests) a connection that waits for an idle transaction of the same program ends with an error.
 */
export function embeddedServer(
  database: PGlite,
  { maxConnections, patience }: { maxConnections: number; patience?: number | undefined },
): PGLiteSocketServer {
  let [statement, since] = ["", Date.now()];
  const db = oneStatementAtATime(database, (message) => {
    statement = sqlOfMessage(message) ?? statement;
    since = Date.now();
  });
  const server = new PGLiteSocketServer({ db, host: "127.0.0.1", port: 0, maxConnections });
  if (patience === undefined) return server;
  const line = Reflect.get(server, "queryQueue") as { queue: Waiting[]; processing: boolean };
  const look = () => {
    // what is in the queue while nothing is processed waits for the end of a transaction
    if (line.processing) return;
    const waitsInVain = ({ timestamp }: Waiting) => Date.now() - Math.max(since, timestamp) >= patience;
    const refused = line.queue.filter(waitsInVain);
    line.queue = line.queue.filter((waiting) => !refused.includes(waiting));
    const reason = `its one session is in a transaction of another connection, which has sent nothing for ${patience / 1000} s, since "${statement}". Who began it must not wait for a second connection: see db/embedded.ts`;
    for (const { onData, reject } of refused) {
      onData(fatal(reason));
      reject(new Error(reason));
    }
  };
  const looking = setInterval(look, patience / 10);
  server.addEventListener("close", () => clearInterval(looking));
  return server;
}
