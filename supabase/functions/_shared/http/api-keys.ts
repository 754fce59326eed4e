/**
 * The project's API keys: a secret key proves that the project's backend calls, a
 * publishable one only that its app does.
 */
import { AppError } from "./errors.ts";

/** Checks that the header `apikey` holds one of the keys. @throws AppError 401 */
export async function requireSecretKey(apikey: string | null, keys: readonly string[]): Promise<void> {
  if (!apikey) throw new AppError(401, "key_missing", "send a secret key of the project as apikey");
  if (!(await isOneOf(apikey, keys))) throw new AppError(401, "key_invalid", "apikey is no secret key of this project");
}

/**
 * Whether the caller has not signed in: then supabase-js sends the publishable key (or the legacy anon key) in place of
 * a user's token. An anonymous sign-in is a user, not a visitor.
 */
export function isVisitor(headers: Headers, publishableKeys: readonly string[]): boolean {
  const sent = sentAsToken(headers);
  // these keys are public, so a comparison of variable time is fine
  return sent !== null && sent !== "" && publishableKeys.includes(sent);
}

/**
 * Rejects an unknown publishable key with a clear error; otherwise the caller would be
 * asked to sign in. @throws AppError 401
 */
export function refuseForeignKey(headers: Headers, publishableKeys: readonly string[]): void {
  const sent = sentAsToken(headers) ?? "";
  if (!sent.startsWith("sb_publishable_") || publishableKeys.includes(sent)) return;
  throw new AppError(
    401,
    "key_invalid",
    "this is no publishable key of this project: copy the one among its API keys, and mind its end",
  );
}

function sentAsToken(headers: Headers): string | null {
  return headers.get("authorization")?.replace(/^Bearer +/i, "") ?? headers.get("apikey");
}

/** The project's keys of one kind, from a JSON object of keys by name and the single key of legacy projects. */
export function projectApiKeys(named: string | undefined, older: string | undefined): string[] {
  const keys: unknown[] = named ? Object.values(JSON.parse(named)) : [];
  return [...keys, older].filter((key): key is string => typeof key === "string" && key !== "");
}

async function isOneOf(given: string, keys: readonly string[]): Promise<boolean> {
  const sent = await digest(given);
  const matches = await Promise.all(keys.map(async (key) => key !== "" && equal(sent, await digest(key))));
  return matches.includes(true);
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Compares in constant time. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.reduce((difference, byte, i) => difference | (byte ^ b[i]), 0) === 0;
}
