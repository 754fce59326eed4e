/** What goes wrong in a function, for the operator. */

/** Says what went wrong: the code that the caller got, the cause, and in which request. */
export type Log = (code: string, cause: unknown, request?: LoggedRequest) => void;

/** The request in which it went wrong, and how long that had taken by then. */
export interface LoggedRequest {
  request_id: string;
  duration_ms: number;
}

/** Of each code so many lines in so many milliseconds: what fails for everybody fails often. The next line says how many were left out. */
const mostLines = 10;
const linesPer = 10_000;

/**
 * One line of JSON on standard error each time: the code that the caller got, and what really happened. Only the
 * error's own words are written, never the objects that drivers hang on it (a query, its values), and no secret among the words.
 * `now`: milliseconds of any clock.
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
  // an error for the caller says what that means for them, its cause what happened
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

/** As drivers and the platform throw it. */
interface LoggedFailure extends Error {
  code?: unknown;
}

/**
 * Passwords in addresses, tokens and API keys. The database may quote what somebody sent, so nothing here is tried from each of its letters
 * to its end: 32,000 times `eyJ-` held a worker up for 35 s.
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

/** The innermost frames of a stack, as `function file:line:column`: the folders of a deployment tell nobody anything. */
function framesOf(stack: string, message: string): string[] {
  // the message stands before them, and may have lines that look like frames
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
