/** The local signing key: an ES256 pair that stands in for the project's, so that local tokens are verified as real ones. */
import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exportJWK, generateKeyPair, importJWK, type JWK } from "jose";

export interface SigningKey {
  privateKey: Awaited<ReturnType<typeof importJWK>>;
  /** The public half, as a JSON Web Key Set. */
  jwks: { keys: JWK[] };
  keyId: string;
  /** Both halves. */
  jwk: JWK;
}

/** Reads the key kept in the folder, or makes one there that only this user can read. */
export async function signingKey(folder: string): Promise<SigningKey> {
  const path = join(folder, "signing-key.json");
  const jwk: JWK = await readFile(path, "utf8").then(JSON.parse, () => create(folder, path));
  const { d: _, ...publicJwk } = jwk;
  return { privateKey: await importJWK(jwk, "ES256"), jwks: { keys: [publicJwk] }, keyId: jwk.kid ?? "", jwk };
}

async function create(folder: string, path: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), alg: "ES256", use: "sig" };
  await mkdir(folder, { recursive: true });
  const draft = `${path}.${jwk.kid}`;
  await writeFile(draft, JSON.stringify(jwk), { mode: 0o600 });
  // whole or not at all; where another process was faster, its key is the key
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await unlink(draft);
  return JSON.parse(await readFile(path, "utf8"));
}
