/** The local signing key: an ES256 pair that stands in for the project's, so that local tokens are verified as real ones. */
import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { exportJWK, generateKeyPair, importJWK, type JWK } from "jose";

export interface SigningKey {
  privateKey: Awaited<ReturnType<typeof importJWK>>;
  /** The public half, as a JSON Web Key Set. */
  jwks: { keys: JWK[] };
  keyId: string;
}

/** Reads the key kept in the folder, or makes one there that only this user can read. */
export async function signingKey(folder: string): Promise<SigningKey> {
  const path = join(folder, "signing-key.json");
  const jwk: JWK = await readFile(path, "utf8").then(JSON.parse, () => create(folder, path));
  const { d: _, ...publicJwk } = jwk;
  return { privateKey: await importJWK(jwk, "ES256"), jwks: { keys: [publicJwk] }, keyId: jwk.kid ?? "" };
}

async function create(folder: string, path: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), alg: "ES256", use: "sig" };
  await mkdir(folder, { recursive: true });
  const file = await open(path, "wx", 0o600);
  await file.writeFile(JSON.stringify(jwk));
  await file.close();
  return jwk;
}
