/**
 * What other websites open in the same browser may ask of this machine: nothing. A browser lets any page send requests to localhost,
 * and a page whose name is made to mean 127.0.0.1 (DNS rebinding) even read the answers.
 */
import type { MiddlewareHandler } from "hono";

/** Who may ask: `machine`, pages of any server on this machine, such as an app in development; `page`, those served from here alone. */
export type Askers = "machine" | "page";

/** Why a request is refused; undefined: it is not. Programs that are no browser send none of these headers. */
export function refusalOf(url: string, headers: Headers, askers: Askers): string | undefined {
  const { hostname, origin: own } = new URL(url);
  // only a name can be made to mean another address
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
  // a link from another site; what it opens cannot be read there
  if (headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "document") return undefined;
  return "pages of other sites may not ask this";
}

/** The same as a step before whatever answers: 403. */
export function guard(askers: Askers): MiddlewareHandler {
  return async (c, next) => {
    const refusal = refusalOf(c.req.url, c.req.raw.headers, askers);
    if (refusal === undefined) return await next();
    return c.json({ code: "other_site", message: refusal, error: { code: "other_site", message: refusal } }, 403);
  };
}

function hostnameOf(origin: string): string {
  // "null" is the origin of a sandboxed frame, and of a file
  return URL.canParse(origin) ? new URL(origin).hostname : "";
}

/** Whether a name means this machine whatever a name server says. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "127.0.0.1" || hostname === "[::1]"
  );
}
