import { SignJWT } from "jose";

/** The local key that signs tokens. */
export interface TokenKey {
  privateKey: Parameters<SignJWT["sign"]>[0];
  keyId: string;
}

/** In seconds. */
export const tokenLifetime = 3600;

/**
 * An access token like Supabase Auth's, signed with the local key and valid for an hour. `project`: the project's
 * address for the app. `preview`: for an operator, whose views of the user's feed are not logged.
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

/** Signs a token for one audience; it is invalid for any other. */
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
