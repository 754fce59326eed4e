/** How often one person may call, whatever function and worker: recsys.settings.requests_per_minute, counted in Postgres. */
import { rateLimitError } from "../http/errors.ts";
import { type Connection, call, run } from "./database.ts";

/** Until when a person gets no more, milliseconds of performance.now(): a flood does not reach the database. The oldest goes first. */
const refusedUntil = new Map<string, number>();
const mostRemembered = 10_000;

/**
 * What takes no feed away: somebody locks the table (55P03), a full disk made the database read-only (25006), or the functions are
 * deployed before the migration is (42883).
 */
const tolerated = new Set<unknown>(["55P03", "25006", "42883"]);

/** @throws AppError 429 where it is known without asking that they may not have another. */
export function assertWithinRateLimit(userId: string): void {
  const seconds = ((refusedUntil.get(userId) ?? 0) - performance.now()) / 1000;
  if (seconds > 0) throw rateLimitError(seconds);
  refusedUntil.delete(userId);
}

/**
 * Counts a request: one statement of its own, sent at once, so that it may travel with what follows.
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
