import { UserError } from "./user-error.ts";

/** `host:port/name` of a database URL, never its password. */
export function describeUrl(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || 5432}${pathname}`;
}

/** Checks the form of a database URL. Throws a `UserError` that says what is wrong with it. */
export function checkUrl(url: string): void {
  const example = "postgres://user:password@host:5432/postgres";
  let protocol: string;
  try {
    protocol = new URL(url).protocol;
  } catch {
    throw new UserError(`Not a database URL; it should look like ${example} (special characters in it %-encoded).`);
  }
  if (protocol !== "postgres:" && protocol !== "postgresql:") {
    throw new UserError(`A database URL begins with postgres://, not ${protocol}//; it should look like ${example}.`);
  }
}

/** Turns a failure to connect into one line with its cure; anything else comes back as it is. */
export function explainConnectionError(error: unknown, url: string): unknown {
  if (!(error instanceof Error)) return error;
  const code = "code" in error ? String(error.code) : "";
  const where = describeUrl(url);
  const cure = cures[code] ?? curesByText.find(([pattern]) => pattern.test(error.message))?.[1];
  if (!cure) return error;
  return new UserError(cure.replaceAll("{where}", where).replaceAll("{reason}", error.message), { cause: error });
}

const unreachable = "No database answers at {where} ({reason}). Start it, or check host and port of the database URL.";

const cures: Record<string, string> = {
  ECONNREFUSED: "Nothing listens at {where}. Start the database, or check host and port of the database URL.",
  ENOTFOUND: "The host of {where} is not known. Check the spelling of the database URL.",
  EAI_AGAIN: "The host of {where} could not be looked up. Check the network and the spelling of the database URL.",
  ETIMEDOUT: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ECONNRESET: unreachable,
  "28P01": "The database at {where} refused the password. Check user and password of the database URL.",
  "28000": "The database at {where} does not let this user in ({reason}). Check the user of the database URL.",
  "3D000": "There is no such database at {where}. Create it, or check the name at the end of the database URL.",
  "53300": "The database at {where} has no free connection. Close other programs, or use the project's pooler URL.",
  "57P03": "The database at {where} is starting up or shutting down. Try again in a moment.",
  SELF_SIGNED_CERT_IN_CHAIN:
    "The certificate of {where} is not signed by a known authority. Add ?sslmode=no-verify to the database URL.",
  DEPTH_ZERO_SELF_SIGNED_CERT: "The certificate of {where} is self-signed. Add ?sslmode=no-verify to the database URL.",
};

// these come without a code
const curesByText: [RegExp, string][] = [
  [/does not support SSL/, "The database at {where} speaks no TLS. Add ?sslmode=disable to the database URL."],
  [/timeout|timed out|terminated unexpectedly/i, unreachable],
  [
    /client password must be a string/,
    "The database at {where} wants a password. Put it into the database URL: user:password@host.",
  ],
];
