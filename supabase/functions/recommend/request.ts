/** What is asked for: how many posts, after which, and whether ranked now or ahead. */
import { z } from "zod";
import { AppError } from "../_shared/http/errors.ts";
import { parseJson } from "../_shared/http/parse-json.ts";
import { readCursor } from "../_shared/recommend/cursor.ts";

const limit = z.int().min(1).max(100).default(20);
const mode = z.enum(["live", "batch"]).default("live");
const after = z
  .string()
  .transform((cursor, context) => {
    const served = readCursor(cursor);
    if (served === null) context.addIssue({ code: "custom", message: "no cursor" });
    return served;
  })
  .nullable()
  .default(null);
const body = z.strictObject({ limit, mode, after });

/**
 * live: ranked for this request. batch: from the list made ahead, where there is one. after: what the pages before have served,
 * which their cursor says; null: this is the first.
 */
export type FeedRequest = z.infer<typeof body>;

/** From a JSON body; an empty one means the defaults. Unknown fields are refused: they are mostly misspelt ones. */
export function requestOfBody(text: string): FeedRequest {
  const result = body.safeParse(text === "" ? {} : parseJson(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue.code === "unrecognized_keys")
    throw new AppError(400, "unknown_field", "the body may have the fields limit, mode and after and no others");
  if (issue.path[0] === "limit") throw invalidLimit();
  if (issue.path[0] === "mode") throw invalidMode();
  if (issue.path[0] === "after") throw invalidAfter();
  throw new AppError(400, "invalid_body", 'the body must be a JSON object such as {"limit": 20}');
}

/** From the query string, `?limit=20&mode=batch&after=…`. */
export function requestOfQuery(query: URLSearchParams): FeedRequest {
  const [text, ...more] = query.getAll("limit");
  const limited = limit.safeParse(text === undefined || !/^\d+$/.test(text) ? text : Number(text));
  if (!limited.success || more.length > 0) throw invalidLimit();
  const [name, ...others] = query.getAll("mode");
  const moded = mode.safeParse(name);
  if (!moded.success || others.length > 0) throw invalidMode();
  const [cursor, ...further] = query.getAll("after");
  const placed = after.safeParse(cursor);
  if (!placed.success || further.length > 0) throw invalidAfter();
  return { limit: limited.data, mode: moded.data, after: placed.data };
}

function invalidLimit(): AppError {
  return new AppError(400, "invalid_limit", "limit must be a whole number from 1 to 100");
}

function invalidMode(): AppError {
  return new AppError(400, "invalid_mode", "mode must be live or batch");
}

function invalidAfter(): AppError {
  return new AppError(
    400,
    "invalid_after",
    "after must be the `next` of an earlier answer; leave it out for the first page",
  );
}
