/** Error log of a function, for the operator. */

/** Logs an error: the code that the caller got, the cause, and the request. */
export type Log = (code: string, cause: unknown, request?: LoggedRequest) => void;

/** The request that failed, and its duration until then. */
export interface LoggedRequest {
  request_id: string;
  duration_ms: number;
}

/** At most this many lines per code and interval (ms). The next line after it has the number of omitted lines. */
const mostLines = 10;
const linesPer = 10_000;

/**
 * Writes one JSON line per error to standard error, with code and cause. It has only messages without secrets, no
 * objects that drivers attach (query, values). `now`: milliseconds of any clock.
 */
export function createLogger(name: string, now = () => performance.now()): Log {
  const recent = new Map<string, { since: number; lines: number; leftOut: number }>();
  return (code, cause, request) => {
    let lately = recent.get(code);
    if (!lately || now() - lately.since > linesPer) {
      const before = lately?.leftOut || undefined;
      lately = { since: now(), lines: 0, leftOut: 0 };
      recent.set(code, lately);
      write(name, code, cause, request, before);
    } else if (lately.lines < mostLines) write(name, code, cause, request);
    else lately.leftOut++;
    lately.lines++;
  };
}

function write(
  name: string,
  code: string,
  cause: unknown,
  request: LoggedRequest | undefined,
  left_out?: number,
): void {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  // the error's message is for the caller, that of its cause for the operator
  const {
    code: reason,
    stack,
    message,
  } = error.cause instanceof Error ? (error.cause as LoggedFailure) : (error as LoggedFailure);
  const because = message === error.message ? undefined : withoutSecrets(message);
  const where = framesOf(stack ?? "", message);
  const line = {
    function: name,
    code,
    ...request,
    error: withoutSecrets(error.message),
    because,
    reason,
    left_out,
    where,
  };
  console.error(JSON.stringify(line));
}

/** An error as drivers and the platform throw it. */
interface LoggedFailure extends Error {
  code?: unknown;
}

/**
 * Removes passwords in URLs, tokens and API keys. The text may quote user input, so each pattern must take linear time:
 * a backtracking one would block the worker.
 */
function withoutSecrets(text: string): string {
  return text
    .replaceAll(/[^\s'"]+/g, withoutPassword)
    .replaceAll(/(?<![\w-])eyJ[\w-]*\.[\w-]*\.?[\w-]*/g, "a token")
    .replaceAll(/\bsb_(secret|publishable)_\w*/g, "sb_$1_…");
}

function withoutPassword(word: string): string {
  const begin = word.indexOf("://");
  const end = word.lastIndexOf("@");
  return begin >= 0 && end > begin ? `${word.slice(0, begin)}://…${word.slice(end)}` : word;
}

/** The innermost stack frames, as `function file:line:column`, without the folders of the deployment. */
function framesOf(stack: string, message: string): string[] {
  // skips the message: its lines may look like frames
  const found = stack.indexOf(message);
  const below = found < 0 ? stack : stack.slice(found + message.length);
  const frames = below.split("\n").filter((line) => /^\s+at /.test(line));
  return frames.slice(0, 8).map((line) =>
    line
      .trim()
      .slice("at ".length)
      .replaceAll(/\(?[^\s(]*[/\\]([^/\\]+:\d+:\d+)\)?/g, "$1"),
  );
}
