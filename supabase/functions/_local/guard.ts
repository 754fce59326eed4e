/**
 * Protects the local server from other websites in the same browser: any page may send requests to localhost, and by
 * DNS rebinding (a name that resolves to 127.0.0.1) even read the answers.
 */
import type { MiddlewareHandler } from "hono";

/**
 * Allowed origins. `machine`: pages of any server on this machine, such as an app in
 * development; `page`: pages served here.
 */
export type Askers = "machine" | "page";

/** Why a request is refused, or undefined. Clients other than browsers send none of these headers. */
export function refusalOf(url: string, headers: Headers, askers: Askers): string | undefined {
  const { hostname, origin: own } = new URL(url);
  // an IP address cannot be rebound, only a name
  if (!isLoopback(hostname) && !/^(\d+\.){3}\d+$|^\[/.test(hostname))
    return `this is no server of ${hostname}: use http://localhost`;
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  if (origin !== null) {
    const asks = askers === "page" ? origin === own : isLoopback(hostnameOf(origin));
    return asks ? undefined : `pages of ${origin} may not ask this`;
  }
  if (site === null || site === "same-origin" || site === "none") return undefined;
  if (askers === "machine" && site === "same-site") return undefined;
  // a link from another site, which cannot read the opened page
  if (headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "document") return undefined;
  return "pages of other sites may not ask this";
}

/** Middleware that refuses such requests with 403. */
export function guard(askers: Askers): MiddlewareHandler {
  return async (c, next) => {
    const refusal = refusalOf(c.req.url, c.req.raw.headers, askers);
    if (refusal === undefined) return await next();
    return c.json({ code: "other_site", message: refusal, error: { code: "other_site", message: refusal } }, 403);
  };
}

function hostnameOf(origin: string): string {
  // "null" is the origin of a sandboxed frame and of a file
  return URL.canParse(origin) ? new URL(origin).hostname : "";
}

/** Whether a name always means this machine, independent of DNS. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "127.0.0.1" || hostname === "[::1]"
  );
}
