import { SignJWT } from "jose";
import type { SigningKey } from "./signing-key.ts";

/**
 * An access token such as Supabase Auth gives a user who signed in, from the local key; valid for an hour. `project`: the
 * address that its app takes as the project's. With `preview` it is an operator's, who looks at the user's feed without leaving impressions.
 */
export async function userToken(
  key: SigningKey,
  project: string,
  userId: string,
  { preview = false } = {},
): Promise<string> {
  return await new SignJWT({ role: "authenticated", aal: "aal1", is_anonymous: false, ...(preview && { preview }) })
    .setProtectedHeader({ alg: "ES256", kid: key.keyId, typ: "JWT" })
    .setSubject(userId)
    .setAudience("authenticated")
    .setIssuer(`${project}/auth/v1`)
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(key.privateKey);
}
