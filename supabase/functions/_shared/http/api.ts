/** Declaration of a function's API. One schema serves validation, types and the OpenAPI document. */
import type * as z from "zod";
import type { ErrorStatus } from "./errors.ts";

/**
 * Version of all requests and answers, named in a header of each answer. A removed or redefined field raises it; then
 * the old functions stay, and the new ones get new names: installed apps update late. Additions (a field of an answer,
 * an optional field, a code, a function) must not raise it: apps ignore what they do not know.
 */
export const apiVersion = "1";
export const apiVersionHeader = "recsys-api-version";

/**
 * Header that identifies a request in answer and log: the caller's value, or a generated one. It differs from a feed's
 * `request_id`, which identifies logged impressions and is never set by the caller.
 */
export const requestIdHeader = "x-request-id";

/** One function, as the OpenAPI document describes it. */
export interface Api {
  /** Path of the function. */
  name: string;
  /** As in `EdgeFunction`. */
  callers: "users" | "service" | "anyone";
  /** Set if a function for users also answers visitors. */
  visitors?: true;
  summary: string;
  /** The allowed methods with their input: the body of POST, the query of GET; null if there is none. */
  requests: { POST?: z.ZodObject | null; GET?: z.ZodObject | null };
  answer: z.ZodType;
  /** Error codes by status, in addition to those of its fields and of every function. */
  codes: Codes;
}

export type Codes = { readonly [Status in ErrorStatus]?: readonly string[] };
