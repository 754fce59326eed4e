import type { PGlite } from "@electric-sql/pglite";

// message types of the extended query protocol that leave a statement unfinished until a Sync
const unfinished = new Set([..."PBDECH"].map((type) => type.charCodeAt(0)));
const sync = "S".charCodeAt(0);

/**
 * Makes PGLiteSocketServer keep the messages of one statement together.
 *
 * It hands out the database message by message, and holds it for one connection only inside a transaction. A statement
 * whose parameters arrive in several TCP packets could then be mixed with another connection's: with 8 connections and
 * parameters of 6 MB, 25 of 60 queries came back with the wrong row. Here a statement counts as a transaction until its Sync.
 */
export function oneStatementAtATime(database: PGlite): PGlite {
  let midStatement = false;
  const isInTransaction = () => midStatement || database.isInTransaction();
  const execProtocolRawStream: PGlite["execProtocolRawStream"] = async (message, options) => {
    const type = message[0] ?? 0;
    midStatement = unfinished.has(type) || (midStatement && type !== sync);
    try {
      await database.execProtocolRawStream(message, options);
    } catch (error) {
      // otherwise the server's queue would stand still for ever
      options?.onRawData(fatal(error));
    }
  };
  const exec: PGlite["exec"] = (...args) => {
    // the server rolls back for a connection that broke off
    midStatement = false;
    return database.exec(...args);
  };
  return new Proxy(database, {
    get(target, key) {
      if (key === "isInTransaction") return isInTransaction;
      if (key === "execProtocolRawStream") return execProtocolRawStream;
      if (key === "exec") return exec;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** An ErrorResponse message of severity FATAL: https://www.postgresql.org/docs/current/protocol-message-formats.html. */
function fatal(error: unknown): Uint8Array {
  const text = (error instanceof Error ? error.message : String(error)).replaceAll("\0", " ");
  const fields = Buffer.from(`SFATAL\0VFATAL\0CXX000\0Membedded database: ${text}\0\0`);
  const message = Buffer.alloc(5 + fields.length);
  message.write("E");
  message.writeInt32BE(4 + fields.length, 1);
  fields.copy(message, 5);
  return message;
}
