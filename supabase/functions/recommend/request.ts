/** What is asked for: how many posts, whether ranked now or ahead, and what each post has to be like. */
import { z } from "zod";
import { AppError } from "../_shared/http/errors.ts";
import { parseJson } from "../_shared/http/parse-json.ts";

/** PostgreSQL has no text with a NUL, nor half of a surrogate pair. */
const withoutNull = /^[^\0\p{Surrogate}]*$/u;
const limit = z.int().min(1).max(100).default(20);
const mode = z.enum(["live", "batch"]).default("live");
const listOf = <Entry extends z.ZodType>(entry: Entry) => z.array(entry).min(1).max(50).optional();
/** Every part is optional; of a list one entry has to fit. */
const filter = z
  .strictObject({
    tags: listOf(z.string().min(1).max(100).regex(withoutNull)),
    author_ids: listOf(z.guid()),
    max_age_days: z.int().min(1).max(36_500).optional(),
    languages: listOf(
      z
        .string()
        .regex(/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i)
        .max(35)
        .toLowerCase(),
    ),
  })
  .optional();
const body = z.strictObject({ limit, mode, filter });

/** live: ranked for this request. batch: from the list made ahead, where there is one. */
export type FeedRequest = z.infer<typeof body>;

/** From a JSON body; an empty one means the defaults. Unknown fields are refused: they are mostly misspelt ones. */
export function requestOfBody(text: string): FeedRequest {
  const result = body.safeParse(text === "" ? {} : parseJson(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue.code === "unrecognized_keys")
    throw new AppError(
      400,
      "unknown_field",
      "the body may have the fields limit, mode and filter, and a filter tags, author_ids, max_age_days and languages, and no others",
    );
  if (issue.path[0] === "limit") throw invalidLimit();
  if (issue.path[0] === "mode") throw invalidMode();
  if (issue.path[0] === "filter") throw invalidFilter();
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

function invalidFilter(): AppError {
  return new AppError(
    400,
    "invalid_filter",
    "a filter may have tags (texts of 1 to 100 characters), author_ids (UUIDs), languages (such as en), each 1 to 50, and max_age_days (from 1 to 36500)",
  );
}
