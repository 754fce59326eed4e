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
 *
 * A program that awaits one connection while another one of its own is in a transaction waits for itself, for ever: on PostgreSQL it would not
 * wait at all. With `patience`, in milliseconds, a connection ends with an error when it has waited so long while the transaction before it
 * brought no statement. That is for tests, which have the database for themselves. Elsewhere the transaction may be another program's,
 * which goes on when it has computed or the laptop is opened again, and who cannot wait for that brings a timeout.
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
