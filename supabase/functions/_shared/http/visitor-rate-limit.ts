/**
 * How often visitors may call, each by the address they come from. Addresses are kept in the worker's memory alone: a visitor leaves
 * nothing behind. So each worker counts for itself, and what it guards is its own: no visitor takes it from the others.
 *
 * An address counts only where a proxy says it that lets nobody say it for themselves. The hosted platform stands behind Cloudflare, which
 * writes `cf-connecting-ip` over whatever came. Elsewhere nobody sends that header but who makes it up, and they can use up the allowance of
 * no one else. `x-forwarded-for` begins with whatever the caller wrote there: by it anybody could be kept out by somebody else.
 */
import { rateLimitError } from "./errors.ts";

/** As many as a person may send who has signed in, where the operator did not change that. */
export const visitorRequestsPerMinute = 120;

const minute = 60_000;
/** The address that came last the longest time ago is forgotten first. */
const mostRemembered = 10_000;

/** Of an IPv6 address with an IPv4 one at its end. What is longer is none: ten thousand headers of 60 KB would be more memory than a worker has. */
const longestAddress = 45;

/** The allowances of one worker. `now`: milliseconds of any clock. */
export function createVisitorRateLimiter(now = () => performance.now()) {
  /** When each one's allowance is whole again, at most a minute ahead; those who came last at the end. */
  const wholeAt = new Map<string, number>();

  return {
    /** Counts a visitor's request, where it is known whose it is. @throws AppError 429 */
    take(headers: Headers): void {
      const address = headers.get("cf-connecting-ip");
      if (!address || address.length > longestAddress) return;
      const network = networkOf(address);
      const at = now();
      const whole = Math.max(wholeAt.get(network) ?? 0, at) + minute / visitorRequestsPerMinute;
      if (whole > at + minute) throw rateLimitError((whole - minute - at) / 1000);
      wholeAt.delete(network);
      for (const oldest of wholeAt.keys()) {
        if (wholeAt.size < mostRemembered) break;
        wholeAt.delete(oldest);
      }
      wholeAt.set(network, whole);
    },
  };
}

/** An IPv4 address, or the first half of an IPv6 one: whoever has one of these has all 2^64 that begin so. */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [before, after] = address.split("::").map((groups) => (groups === "" ? [] : groups.split(":")));
  const zeros = after ? Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0") : [];
  const groups = [...before, ...zeros, ...(after ?? [])];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, "").toLowerCase())
    .join(":");
}
