/** The public keys that a project signs access tokens with, as it publishes them. */
import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from "jose";
import { AppError } from "./errors.ts";

/** Keys this old are read again, so that one that the project revoked is refused. */
const freshFor = 600_000;
/** Not more often than this, whether it fails or strangers send tokens with key ids of their own making; without any keys nobody is served. */
const pause = 10_000;
const pauseWithoutKeys = 1_000;

/**
 * The published keys, read when they are first needed. While they cannot be read, those that were read before go on serving; without
 * any it is a 503, which is not the token's fault. `now`: milliseconds of any clock.
 */
export function projectKeys(url: string, now = () => performance.now()): JWTVerifyGetKey {
  // when to read is decided here: jose alone answers nobody once its keys are ten minutes old and cannot be read
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
    // the first that comes waits for the answer; while there is none, only who could not be served otherwise does
    const refreshed = now() - readAt > freshFor ? refresh() : undefined;
    if (!keys.jwks() || !failure) await refreshed;
    if (!keys.jwks()) throw unreadable();
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // the project may have begun to sign with another key
      await refresh();
      return await keys(header, token).catch((error) => {
        throw failure ? unreadable() : error;
      });
    }
  };

  /** Never throws: `failure` says how it went. Those who come meanwhile wait for the same answer. */
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
