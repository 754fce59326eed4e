/** What is asked for: how many posts, after which, whether ranked now or ahead, what each has to be like, and what its reader cares about. */
import * as z from "zod";
import { AppError } from "../_shared/http/errors.ts";
import { parseJson } from "../_shared/http/parse-json.ts";
import { readCursor, type Served } from "../_shared/recommend/cursor.ts";
import { feedFilter } from "../_shared/recommend/filter.ts";

const limit = z.int().min(1).max(100).default(20).describe("How many posts at most.");
const mode = z
  .enum(["live", "batch"])
  .default("live")
  .describe("live: ranked for this request. batch: from the list made ahead, where there is one.");
const after = z.string().nullable().default(null).describe("The `next` of the page before; null: the first page.");

const interests = z
  .array(z.string().min(1).max(100))
  .max(20)
  .default([])
  .describe(
    "What the reader cares about, in a few words each; the first 16 different words count. All that is known of a visitor; of a user it comes before what their profile says.",
  );

/** What `recommend` takes. A field more is a line here, with a sentence that becomes its documentation. */
export const feedRequest = z.strictObject({ limit, mode, after, filter: feedFilter.optional(), interests }).meta({
  id: "FeedRequest",
  description:
    "Which page, how many posts, whether ranked now or ahead, what each has to be like, and what its reader cares about.",
});

/** The cursor is read: what the pages before have served; null: this is the first. */
export type FeedRequest = Omit<z.infer<typeof feedRequest>, "after"> & { after: Served | null };

/** From a JSON body; an empty one means the defaults. Unknown fields are refused: they are mostly misspelt ones. */
export function requestOfBody(text: string): FeedRequest {
  const result = feedRequest.safeParse(text === "" ? {} : parseJson(text));
  if (result.success) return { ...result.data, after: servedOf(result.data.after) };
  const [issue] = result.error.issues;
  if (issue.code === "unrecognized_keys")
    throw new AppError(
      400,
      "unknown_field",
      "the body may have the fields limit, mode, after, filter and interests, and a filter tags, author_ids, max_age_days and languages, and no others",
    );
  if (issue.path[0] === "limit") throw invalidLimit();
  if (issue.path[0] === "mode") throw invalidMode();
  if (issue.path[0] === "after") throw invalidAfter();
  if (issue.path[0] === "filter") throw invalidFilter();
  if (issue.path[0] === "interests")
    throw new AppError(400, "invalid_interests", "interests must be up to 20 texts of 1 to 100 characters");
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
  return { limit: limited.data, mode: moded.data, after: servedOf(placed.data), interests: [] };
}

function servedOf(cursor: string | null): Served | null {
  const served = cursor === null ? null : readCursor(cursor);
  if (cursor !== null && served === null) throw invalidAfter();
  return served;
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

function invalidFilter(): AppError {
  return new AppError(
    400,
    "invalid_filter",
    "a filter may have tags (texts of 1 to 100 characters), author_ids (UUIDs), languages (such as en), each 1 to 50, and max_age_days (from 1 to 36500)",
  );
}
