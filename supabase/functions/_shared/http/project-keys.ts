/** The public keys of a project's access tokens, read from its JWKS endpoint. */
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from "jose";
import { AppError } from "./errors.ts";

/** Age in milliseconds after which keys are read again, so that a revoked key is refused. */
const freshFor = 600_000;
/**
 * Minimum interval between reads in milliseconds, with and without cached keys: tokens with made-up key ids must not
 * cause many reads. Without keys every request fails, so that interval is shorter.
 */
const pause = 10_000;
const pauseWithoutKeys = 1_000;

/**
 * Verification keys, read on first use. If a read fails, the cached keys stay valid; without any, the error is a 503,
 * since the token may be fine. `now`: milliseconds of any clock.
 */
export function projectKeys(url: string, now = () => performance.now()): JWTVerifyGetKey {
  // refreshed here instead of by jose, which rejects every token once its keys are old and cannot be read
  const never = Number.POSITIVE_INFINITY;
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: 3_000,
    cacheMaxAge: never,
    cooldownDuration: never,
  });
  let readAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let failure: unknown;

  return async (header, token) => {
    // the first request waits for the answer; after a failed read, cached keys serve without waiting
    const refreshed = now() - readAt > freshFor ? refresh() : undefined;
    if (!keys.jwks() || !failure) await refreshed;
    if (!keys.jwks()) throw unreadable();
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // the project may sign with a new key
      await refresh();
      return await keys(header, token).catch((error) => {
        throw failure ? unreadable() : error;
      });
    }
  };

  /** Never throws; sets `failure`. Concurrent calls share one read. */
  async function refresh(): Promise<void> {
    if (!keys.reloading && now() - triedAt < (keys.jwks() ? pause : pauseWithoutKeys)) return;
    triedAt = now();
    try {
      await keys.reload();
      readAt = now();
      failure = undefined;
    } catch (error) {
      failure = error;
    }
  }

  function unreadable(): AppError {
    return new AppError(503, "keys_unavailable", "the project's public keys cannot be read; try again", failure);
  }
}
