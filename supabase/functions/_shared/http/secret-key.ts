/** Who calls where no user does: the project itself, proven by one of its secret keys. */
import { AppError } from "./errors.ts";

/** Passes when the header `apikey` holds one of the keys; anything else is a 401 whose code says why. */
export async function requireSecretKey(apikey: string | null, keys: readonly string[]): Promise<void> {
  if (!apikey) throw new AppError(401, "key_missing", "send a secret key of the project as apikey");
  const given = await digest(apikey);
  const matches = await Promise.all(keys.map(async (key) => key !== "" && equal(given, await digest(key))));
  if (!matches.includes(true)) throw new AppError(401, "key_invalid", "apikey is no secret key of this project");
}

/** The secret keys that the platform names: a JSON object of keys by name, and an older project's service_role key. */
export function secretKeys(named: string | undefined, serviceRole: string | undefined): string[] {
  const keys: unknown[] = named ? Object.values(JSON.parse(named)) : [];
  return [...keys, serviceRole].filter((key): key is string => typeof key === "string" && key !== "");
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Compares to the end whatever differs, so that the time it takes tells nothing. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.reduce((difference, byte, i) => difference | (byte ^ b[i]), 0) === 0;
}
