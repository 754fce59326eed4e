/** What a function takes and answers. Requests are checked, answers typed and the OpenAPI document made from the same schemas. */
import type * as z from "zod";
import type { ErrorStatus } from "./errors.ts";

/**
 * The version of what all functions take and answer; each answer names it in a header. It rises when something that an app may rely
 * on goes or means something else: then the functions of the old version go on under their names, and those of the new one get
 * names of their own, because apps on people's phones are updated late. What is only added (a field of an answer, a field of a
 * request that may be left out, a code, a function) changes no version: apps pass over what they do not know.
 */
export const apiVersion = "1";
export const apiVersionHeader = "recsys-api-version";

/**
 * Names a request in answer and log: the caller's own where they send one, else one made here. It is not the `request_id` of a feed, which
 * names what was shown, in rows that no caller may name.
 */
export const requestIdHeader = "x-request-id";

/** One function, as the document describes it. */
export interface Api {
  /** Its path. */
  name: string;
  /** As in `EdgeFunction`. */
  callers: "users" | "service" | "anyone";
  /** Of a function for users: it answers visitors, too. */
  visitors?: true;
  summary: string;
  /** Each method that it allows, and what that takes: POST in its body, GET in its query; null: nothing. */
  requests: { POST?: z.ZodObject | null; GET?: z.ZodObject | null };
  answer: z.ZodType;
  /** The codes that its errors have besides those of its fields and of every function, by status. */
  codes: Codes;
}

export type Codes = { readonly [Status in ErrorStatus]?: readonly string[] };
