/** How many posts are asked for. */
import { z } from "zod";
import { AppError } from "../_shared/http/errors.ts";
import { parseJson } from "../_shared/http/parse-json.ts";

const limit = z.int().min(1).max(100).default(20);
const body = z.strictObject({ limit });

/** From a JSON body; an empty one means the default. Unknown fields are refused: they are mostly misspelt ones. */
export function limitOfBody(text: string): number {
  const result = body.safeParse(text === "" ? {} : parseJson(text));
  if (result.success) return result.data.limit;
  const [issue] = result.error.issues;
  if (issue.code === "unrecognized_keys")
    throw new AppError(400, "unknown_field", "the body may have the field limit and no other");
  if (issue.path[0] === "limit") throw invalidLimit();
  throw new AppError(400, "invalid_body", 'the body must be a JSON object such as {"limit": 20}');
}

/** From the query string, `?limit=20`. */
export function limitOfQuery(query: URLSearchParams): number {
  const values = query.getAll("limit");
  const [value] = values;
  const result = limit.safeParse(value === undefined || !/^\d+$/.test(value) ? value : Number(value));
  if (!result.success || values.length > 1) throw invalidLimit();
  return result.data;
}

function invalidLimit(): AppError {
  return new AppError(400, "invalid_limit", "limit must be a whole number from 1 to 100");
}
