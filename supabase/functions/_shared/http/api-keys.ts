/** The project's API keys: a secret one proves that the project itself calls, a publishable one only that its app does. */
import { AppError } from "./errors.ts";

/** Passes when the header `apikey` holds one of the keys; anything else is a 401 whose code says why. */
export async function requireSecretKey(apikey: string | null, keys: readonly string[]): Promise<void> {
  if (!apikey) throw new AppError(401, "key_missing", "send a secret key of the project as apikey");
  if (!(await isOneOf(apikey, keys))) throw new AppError(401, "key_invalid", "apikey is no secret key of this project");
}

/**
 * Whether a visitor calls, who has not signed in at all: supabase-js then sends a publishable key of the project (or an older project's
 * anon key, which is a token without a user) where a user's token would be. An anonymous sign-in is a user, no visitor.
 */
export function isVisitor(headers: Headers, publishableKeys: readonly string[]): boolean {
  const sent = sentAsToken(headers);
  // these keys are no secret, so the time it takes tells nothing
  return sent !== null && sent !== "" && publishableKeys.includes(sent);
}

/** Says so where a visitor's publishable key is another project's or misspelt: to sign in would be no cure. @throws AppError 401 */
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

/** The keys of one kind that the platform names: a JSON object of keys by name, and an older project's one key. */
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

/** Compares to the end whatever differs, so that the time it takes tells nothing. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.reduce((difference, byte, i) => difference | (byte ^ b[i]), 0) === 0;
}
