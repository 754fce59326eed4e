/** Messages between a program and an embedded database: https://www.postgresql.org/docs/current/protocol-message-formats.html. */

/** An ErrorResponse message of severity FATAL. */
export function fatal(reason: string): Uint8Array {
  const fields = Buffer.from(`SFATAL\0VFATAL\0CXX000\0Membedded database: ${reason.replaceAll("\0", " ")}\0\0`);
  const message = Buffer.alloc(5 + fields.length);
  message.write("E");
  message.writeInt32BE(4 + fields.length, 1);
  fields.copy(message, 5);
  return message;
}

/** The beginning of the SQL that a Query or a Parse message brings; undefined: it is another message. */
export function sqlOfMessage(message: Uint8Array): string | undefined {
  const type = String.fromCharCode(message[0] ?? 0);
  if (type !== "Q" && type !== "P") return undefined;
  // after the type and the length, and in a Parse message the name of the statement
  const start = type === "Q" ? 5 : message.indexOf(0, 5) + 1;
  const text = Buffer.from(message.subarray(start, start + 400)).toString();
  return text.replace(/\0.*/s, "").replaceAll(/\s+/g, " ").trim().slice(0, 100);
}
