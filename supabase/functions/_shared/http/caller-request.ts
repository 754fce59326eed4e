/** The parts of a request that policies may read, as with PostgREST. They travel with the caller. */

/** Key of a caller's request. A symbol, so that no claim of a token can stand for it and JSON of the claims omits it. */
export const request: unique symbol = Symbol("request");

export interface CallerRequest {
  method: string;
  path: string;
  /** All headers by their lower-case names. recsys.settings.forwarded_headers lists those that policies may read. */
  headers: Record<string, string>;
}

export function requestOfCaller({ method, headers }: Pick<Request, "method" | "headers">, path: string): CallerRequest {
  // copied, since Deno cannot read the headers of an answered request
  return { method, path, headers: Object.fromEntries(headers) };
}
