import type { PGlite } from "@electric-sql/pglite";
import { fatal } from "./embedded-messages.ts";

// message types of the extended query protocol that leave a statement unfinished until a Sync
const unfinished = new Set([..."PBDECH"].map((type) => type.charCodeAt(0)));
const sync = "S".charCodeAt(0);

/**
 * Makes PGLiteSocketServer keep a statement's messages together: until its Sync a statement counts as a transaction.
 * Else statements of several TCP packets mix. `onMessage` gets each message after the database's answer.
 */
export function oneStatementAtATime(database: PGlite, onMessage: (message: Uint8Array) => void = () => {}): PGlite {
  let midStatement = false;
  const isInTransaction = () => midStatement || database.isInTransaction();
  const execProtocolRawStream: PGlite["execProtocolRawStream"] = async (message, options) => {
    const type = message[0] ?? 0;
    midStatement = unfinished.has(type) || (midStatement && type !== sync);
    try {
      await database.execProtocolRawStream(message, options);
    } catch (error) {
      // otherwise the server's queue would stand still for ever
      options?.onRawData(fatal(error instanceof Error ? error.message : String(error)));
    }
    onMessage(message);
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
