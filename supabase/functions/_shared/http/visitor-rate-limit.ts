/**
 * Rate limit of visitors by address, in the worker's memory only: no address is stored, and each worker counts alone.
 * The address is `cf-connecting-ip`: Cloudflare, in front of the hosted platform, overwrites it. A caller elsewhere who
 * forges it uses up only their own quota; `x-forwarded-for` must not be used, since any caller can forge its start.
 */
import { rateLimitError } from "./errors.ts";

/** The same as the default of a signed-in user. */
export const visitorRequestsPerMinute = 120;

const minute = 60_000;
/** Maximum number of addresses; the least recently used is dropped first. */
const mostRemembered = 10_000;

/**
 * Length of an IPv6 address that ends in an IPv4 one. Longer values are ignored: they would fill the worker's memory.
 */
const longestAddress = 45;

/** The rate limiter of one worker. `now`: milliseconds of any clock. */
export function createVisitorRateLimiter(now = () => performance.now()) {
  /** When each address has its full quota again, at most a minute ahead; the most recently used last. */
  const wholeAt = new Map<string, number>();

  return {
    /** Counts a visitor's request, if its address is known. @throws AppError 429 */
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

/** An IPv4 address, or the /64 prefix of an IPv6 one: a host usually has all 2^64 addresses of its prefix. */
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
