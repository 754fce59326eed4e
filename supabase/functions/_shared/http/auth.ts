/** Authentication of users by their access tokens. */
import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { CallerRequest, request } from "./caller-request.ts";
import { AppError } from "./errors.ts";
import { projectKeys } from "./project-keys.ts";

/**
 * Claims of a user's access token. All of them go to the database, so that policies
 * may read more than those named here.
 */
export interface Claims extends JWTPayload {
  sub: string;
  role: "authenticated";
  /** True for Supabase's anonymous sign-in: a user like any other; policies may restrict them by this claim. */
  is_anonymous?: boolean;
  /** True in the token of an operator who previews a user's feed: its impressions are not logged. */
  preview?: boolean;
  /** The request that carried the token. */
  [request]?: CallerRequest;
}

export interface VerifierOptions {
  /** URL of the project's public keys (ES256, RS256): `<project>/auth/v1/.well-known/jwks.json`. */
  jwksUrl?: string | undefined;
  /** Shared secret of a legacy project (HS256). */
  secret?: string | undefined;
  /** Accepted values of the claim `iss`: `<project>/auth/v1`, and any other configured issuer. */
  issuers: readonly string[];
}

/** Maximum length in bytes. Supabase Auth's tokens have 1 to 2 KB; each request sends the claims to the database. */
const longestToken = 16 * 1024;

export type Verify = (token: string) => Promise<Claims>;

/** TTL of a verified token in milliseconds; verifying a signature takes 0.3 ms. */
const keptMilliseconds = 60_000;
const tokensAtMost = 1_000;

/** Wraps `verify` with a cache of valid tokens. `now`: milliseconds since 1970. */
export function withTokenCache(verify: Verify, now: () => number = Date.now): Verify {
  const admitted = new Map<string, { claims: Claims; until: number }>();
  return async (token) => {
    const known = admitted.get(token);
    // a copy, since each request changes its claims
    if (known && now() < known.until) return { ...known.claims };
    const claims = await verify(token);
    if (admitted.size >= tokensAtMost) admitted.clear();
    admitted.set(token, { claims, until: Math.min(now() + keptMilliseconds, 1000 * (claims.exp ?? 0)) });
    return { ...claims };
  };
}

/** Verifies access tokens. @throws AppError 401 with a code for the reason */
export function createVerifier(options: VerifierOptions): Verify {
  const remote = options.jwksUrl ? projectKeys(options.jwksUrl) : undefined;
  const secret = options.secret ? new TextEncoder().encode(options.secret) : undefined;

  return async (token) => {
    if (/^sb_/.test(token)) throw notAUser("an API key is not a user: sign in and send the user's access token");
    if (token.length > longestToken) throw invalid(`the token is longer than ${longestToken / 1024} KB`);
    const algorithm = algorithmOf(token);
    // each kind of key verifies only its own algorithms, so a public key can never serve as an HMAC secret
    if (algorithm === "HS256" && secret) return userOf(await payload(token, () => secret, ["HS256"]), options.issuers);
    if (remote && (algorithm === "ES256" || algorithm === "RS256"))
      return userOf(await payload(token, remote, ["ES256", "RS256"]), options.issuers);
    throw invalid("this project does not sign tokens with the algorithm of this one");
  };
}

/** Extracts the token of an `Authorization: Bearer …` header. */
export function bearerToken(header: string | undefined): string {
  if (!header) throw new AppError(401, "token_missing", "send the user's access token as Authorization: Bearer …");
  const token = /^Bearer +([^\s]+)$/i.exec(header)?.[1];
  if (!token) throw invalid("the Authorization header must read: Bearer, a space, the access token");
  return token;
}

function algorithmOf(token: string): string {
  try {
    return String(decodeProtectedHeader(token).alg);
  } catch (error) {
    throw invalid("the token is not a JWT", error);
  }
}

async function payload(token: string, key: JWTVerifyGetKey | (() => Uint8Array), algorithms: string[]) {
  try {
    return (await jwtVerify(token, key as JWTVerifyGetKey, { algorithms, clockTolerance: 5 })).payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired)
      throw new AppError(401, "token_expired", "the token has expired: refresh the session", error);
    if (error instanceof AppError) throw error;
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === "nbf")
      throw invalid("the token is not valid yet: is a clock wrong?", error);
    throw invalid("the token was not issued by this project", error);
  }
}

function userOf(payload: JWTPayload, issuers: readonly string[]): Claims {
  const { sub, role, aud, exp, iss } = payload;
  if (exp === undefined) throw invalid("the token never expires");
  if (role !== "authenticated" || typeof sub !== "string" || !uuid.test(sub))
    throw notAUser("the token belongs to no user: sign in and send the user's access token");
  if (aud !== "authenticated" && !(Array.isArray(aud) && aud.includes("authenticated")))
    throw new AppError(401, "token_audience", "the token is meant for another audience than authenticated");
  // two projects may share a secret, but users of one must not count as users of the other
  if (!iss || !issuers.includes(iss))
    throw new AppError(
      401,
      "token_issuer",
      "another issuer made the token: if it is this project's, name it in TOKEN_ISSUERS",
    );
  return payload as Claims;
}

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

function invalid(message: string, cause?: unknown): AppError {
  return new AppError(401, "token_invalid", message, cause);
}

function notAUser(message: string): AppError {
  return new AppError(401, "token_not_user", message);
}
