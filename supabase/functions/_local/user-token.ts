import { SignJWT } from "jose";

/** The local key that signs tokens in place of a project's. */
export interface TokenKey {
  privateKey: Parameters<SignJWT["sign"]>[0];
  keyId: string;
}

/** Seconds. */
export const tokenLifetime = 3600;

/**
 * An access token such as Supabase Auth gives a user who signed in, from the local key; valid for an hour. `project`: the
 * address that its app takes as the project's. With `preview` it is an operator's, who looks at the user's feed without leaving impressions.
 */
export async function userToken(
  key: TokenKey,
  project: string,
  userId: string,
  { preview = false } = {},
): Promise<string> {
  const claims = { role: "authenticated", aal: "aal1", is_anonymous: false, ...(preview && { preview }) };
  return await signed(key, project, userId, claims, "authenticated", tokenLifetime);
}

/** Signs a token for one audience; what is meant for one is nothing to the others. */
export async function signed(
  key: TokenKey,
  project: string,
  userId: string,
  claims: Record<string, unknown>,
  audience: string,
  seconds: number,
): Promise<string> {
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: "ES256", kid: key.keyId, typ: "JWT" })
    .setSubject(userId)
    .setAudience(audience)
    .setIssuer(`${project}/auth/v1`)
    .setIssuedAt()
    .setExpirationTime(`${seconds}s`)
    .sign(key.privateKey);
}
