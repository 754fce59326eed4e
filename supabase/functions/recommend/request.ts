/** What is asked for: how many posts, and whether ranked now or ahead. */
import { z } from "zod";
import { AppError } from "../_shared/http/errors.ts";
import { parseJson } from "../_shared/http/parse-json.ts";

const limit = z.int().min(1).max(100).default(20).describe("How many posts at most.");
const mode = z
  .enum(["live", "batch"])
  .default("live")
  .describe("live: ranked for this request. batch: from the list made ahead, where there is one.");

/** What `recommend` takes. A field more is a line here, with a sentence that becomes its documentation. */
export const feedRequest = z
  .strictObject({ limit, mode })
  .meta({ id: "FeedRequest", description: "How many posts, and whether ranked now or ahead." });

export type FeedRequest = z.infer<typeof feedRequest>;

/** From a JSON body; an empty one means the defaults. Unknown fields are refused: they are mostly misspelt ones. */
export function requestOfBody(text: string): FeedRequest {
  const result = feedRequest.safeParse(text === "" ? {} : parseJson(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue.code === "unrecognized_keys")
    throw new AppError(400, "unknown_field", "the body may have the fields limit and mode and no others");
  if (issue.path[0] === "limit") throw invalidLimit();
  if (issue.path[0] === "mode") throw invalidMode();
  throw new AppError(400, "invalid_body", 'the body must be a JSON object such as {"limit": 20}');
}

/** From the query string, `?limit=20&mode=batch`. */
export function requestOfQuery(query: URLSearchParams): FeedRequest {
  const [text, ...more] = query.getAll("limit");
  const limited = limit.safeParse(text === undefined || !/^\d+$/.test(text) ? text : Number(text));
  if (!limited.success || more.length > 0) throw invalidLimit();
  const [name, ...others] = query.getAll("mode");
  const moded = mode.safeParse(name);
  if (!moded.success || others.length > 0) throw invalidMode();
  return { limit: limited.data, mode: moded.data };
}

function invalidLimit(): AppError {
  return new AppError(400, "invalid_limit", "limit must be a whole number from 1 to 100");
}

function invalidMode(): AppError {
  return new AppError(400, "invalid_mode", "mode must be live or batch");
}
