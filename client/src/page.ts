import type { SupabaseClient } from "@supabase/supabase-js";

type FunctionsClient = SupabaseClient["functions"];

/** Letters of a body that outlives its page: of three bytes each they are within the 64 KB that browsers grant. */
const mostLetters = 21_000;

/** What a page is told by its browser; in other places nothing of it happens. */
export interface PageEvents {
  /** There is a network again, or the reader is back. */
  back(): void;
  /** It may end now. */
  end(): void;
  /** The network came or went, or another tab did something with what waits. */
  change(): void;
}

export function watchPage({ back, end, change }: PageEvents): void {
  if (typeof document === "undefined") return;
  addEventListener("online", back);
  addEventListener("online", change);
  addEventListener("offline", change);
  addEventListener("storage", change);
  addEventListener("pagehide", end);
  document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? end() : back()));
}

/** Whether this device has a network; where it does not say, it has. */
export function isOnline(): boolean {
  return typeof navigator === "undefined" || navigator.onLine !== false;
}

/** Whether a user may be looking; without a page, as in React Native, they may. */
export function isPageVisible(): boolean {
  return typeof document === "undefined" || document.visibilityState !== "hidden";
}

/** Tells what scrolls into view; undefined: here nothing says so, as in React Native, where a list does. */
export function viewObserver(
  ...how: ConstructorParameters<typeof IntersectionObserver>
): IntersectionObserver | undefined {
  return typeof IntersectionObserver === "undefined" ? undefined : new IntersectionObserver(...how);
}

/**
 * The functions, called so that a request outlives its page. supabase-js has no option for that, so its client is borrowed with another
 * `fetch`; a later version that has none to lend is called as it is.
 */
export function withKeepalive(functions: FunctionsClient): FunctionsClient {
  const { fetch: send } = functions as unknown as { fetch?: typeof fetch };
  if (typeof send !== "function") return functions;
  const fetchAlive: typeof fetch = (input, init) =>
    send(input, { ...init, keepalive: String(init?.body).length <= mostLetters });
  return Object.create(functions, { fetch: { value: fetchAlive } });
}
