/** An error answer: a status, a stable code, and one line that says what to do. */
export class AppError extends Error {
  readonly status: ErrorStatus;
  readonly code: string;
  /** Seconds after which the caller should retry, if known. */
  readonly retryAfter: number | undefined;

  constructor(status: ErrorStatus, code: string, message: string, cause?: unknown, retryAfter?: number) {
    super(message, { cause });
    this.name = "AppError";
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

export type ErrorStatus = 400 | 401 | 404 | 405 | 413 | 429 | 500 | 503 | 504;

/**
 * The error for a caller without a readable user row: the row is missing or hidden by a policy,
 * which the database does not distinguish.
 */
export function unknownUser(): AppError {
  const message =
    "no row of recsys.source_users is readable under this token: create a profile, or see the policies of that view's tables and the headers they read (recsys.settings.forwarded_headers)";
  return new AppError(404, "unknown_user", message);
}

/** The error of a caller over the rate limit, who may call again in `seconds`. */
export function rateLimitError(seconds: number): AppError {
  const retryAfter = Math.max(1, Math.ceil(seconds));
  const message = `rate limit exceeded: retry in ${retryAfter} s`;
  return new AppError(429, "too_many_requests", message, undefined, retryAfter);
}

/** The error of a request refused because too many wait. `wait`: the expected wait in milliseconds. */
export function overloaded(wait: number, cause?: unknown): AppError {
  const retryAfter = Math.min(Math.max(1, Math.ceil(wait / 1000)), 10);
  const message = `server overloaded: retry in ${retryAfter} s`;
  return new AppError(429, "overloaded", message, cause, retryAfter);
}

/** Converts any thrown value to an AppError. Unexpected ones become `internal`, whose cause is only logged. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return (
    databaseError(error) ??
    new AppError(500, "internal", "internal error: search the function log for this x-request-id", error)
  );
}

/** Whether the connection was lost before the answer. */
export function isConnectionLoss(error: unknown): boolean {
  const { code, message } = details(error);
  return lostCodes.has(code) || /^Connection terminated|not queryable|^read ECONN|^socket /i.test(message);
}

const lostCodes = new Set(
  "ECONNRESET ECONNABORTED EPIPE ENOTCONN ERR_STREAM_DESTROYED 57P01 57P02 08003 08006".split(" "),
);
const unreachableCodes = new Set("ECONNREFUSED ENOTFOUND EAI_AGAIN ETIMEDOUT EHOSTUNREACH ENETUNREACH".split(" "));

/** query_canceled, idle_in_transaction_session_timeout, serialization_failure (on a replica: conflict with recovery) */
const tookTooLong = new Set(["57014", "25P03", "40001"]);
/** lock_not_available, deadlock_detected */
const lockFailures = new Set(["55P03", "40P01"]);

/** Whether a PostgreSQL code says that a schema, table, column, function, type or role is missing. */
export function isMissing(code: unknown): boolean {
  return ["3F000", "42P01", "42703", "42883", "42704"].includes(code as string);
}

/** Whether the database or its pooler is out of connections: it works, but has too many clients. */
function isFull({ code, message }: { code: string; message: string }): boolean {
  if (code === "53300") return true;
  return (
    /^(XX000|08P01)$/.test(code) &&
    /max.?clients?|checkouttimeout|no more connections|query_wait_timeout/i.test(message)
  );
}

/** Retry delay for a database without free connections, in milliseconds. */
const pauseWhenFull = 2_000;

function databaseError(error: unknown): AppError | undefined {
  const { code, message, hint } = details(error);
  if (isFull({ code, message })) return overloaded(pauseWhenFull, error);
  if (lockFailures.has(code))
    return new AppError(503, "database_timeout", "a table is locked, as by a migration: try again", error);
  if (tookTooLong.has(code) || message === "Query read timeout")
    return new AppError(503, "database_timeout", "the database took too long; try again", error);
  // Supabase makes a project read-only before its disk is full
  if (code === "25006")
    return new AppError(
      503,
      "database_unavailable",
      "the database takes no writes: see whether its disk is full",
      error,
    );
  // the message of recsys_engine.require_invoker_views(), which names only a view of the engine
  if (code === "RS001")
    return new AppError(503, "unsafe_source_view", `${message}: ${hint ?? "see recsys.check()"}`, error);
  if (isMissing(code))
    return new AppError(503, "not_installed", "the database lacks the recommender: apply its migrations", error);
  const isUnavailable = unreachableCodes.has(code) || /^(08|28|3D|53|57P)/.test(code) || /timeout/.test(message);
  if (isUnavailable || isConnectionLoss(error))
    return new AppError(503, "database_unavailable", "the database cannot be reached; try again", error);
  return undefined;
}

function details(error: unknown): { code: string; message: string; hint?: string | undefined } {
  if (!(error instanceof Error)) return { code: "", message: "" };
  // a host with several addresses fails with an AggregateError
  const first = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error;
  const { code, hint } = first as { code?: unknown; hint?: unknown };
  return {
    code: typeof code === "string" ? code : "",
    message: first.message,
    hint: typeof hint === "string" ? hint : undefined,
  };
}
