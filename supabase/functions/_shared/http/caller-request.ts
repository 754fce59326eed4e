/** What policies may be told of a request, as PostgREST tells them: it travels with whoever sent it. */

/** The request that a caller sent. A symbol, so that no claim of a token can be taken for it, and JSON of the claims has it not. */
export const request: unique symbol = Symbol("request");

export interface CallerRequest {
  method: string;
  path: string;
  /** By their names in lower case, all of them: which of them a policy may read, recsys.settings.forwarded_headers says. */
  headers: Record<string, string>;
}

export function requestOfCaller({ method, headers }: Pick<Request, "method" | "headers">, path: string): CallerRequest {
  // copied, since Deno lets nobody read the headers of a request that was answered
  return { method, path, headers: Object.fromEntries(headers) };
}
