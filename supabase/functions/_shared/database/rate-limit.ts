/** Rate limit per user over all functions and workers: recsys.settings.requests_per_minute, counted in Postgres. */
import { rateLimitError } from "../http/errors.ts";
import { type Connection, call, run } from "./database.ts";

/**
 * When each refused user may call again, in milliseconds of performance.now(), so that a flood does not reach the
 * database. The oldest entries are dropped first.
 */
const refusedUntil = new Map<string, number>();
const mostRemembered = 10_000;

/**
 * Error codes that let the request pass uncounted: the table is locked (55P03), a full disk made the database read-only
 * (25006), or the functions are deployed before the migration (42883).
 */
const tolerated = new Set<unknown>(["55P03", "25006", "42883"]);

/** @throws AppError 429 if the worker knows, without a query, that the user is over the limit. */
export function assertWithinRateLimit(userId: string): void {
  const seconds = ((refusedUntil.get(userId) ?? 0) - performance.now()) / 1000;
  if (seconds > 0) throw rateLimitError(seconds);
  refusedUntil.delete(userId);
}

/**
 * Counts a request: one statement, sent at once, so that it shares a round trip with those that follow.
 * @throws AppError 429
 */
export async function consumeRateLimit(connection: Connection, userId: string): Promise<void> {
  const asked = run(connection, call("recsys_engine.consume_rate_limit", { p_user_id: userId }));
  const [row] = await asked.catch((error: { code?: unknown }) => {
    if (tolerated.has(error.code)) return [];
    throw error;
  });
  const seconds = row?.consume_rate_limit ?? 0;
  if (seconds <= 0) return;
  for (const oldest of refusedUntil.keys()) if (refusedUntil.size >= mostRemembered) refusedUntil.delete(oldest);
  refusedUntil.set(userId, performance.now() + 1000 * seconds);
  throw rateLimitError(seconds);
}
