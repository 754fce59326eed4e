/** What is asked for: how many posts, after which, whether ranked now or ahead, what each has to be like, and what its reader cares about. */
import * as z from "zod";
import { AppError } from "../_shared/http/errors.ts";
import { parseJson } from "../_shared/http/parse-json.ts";
import { unknownField } from "../_shared/http/unknown-field.ts";
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

/** What the query may have. A filter goes into a body. */
export const feedQuery = feedRequest.omit({ filter: true });

/** From a JSON body; an empty one means the defaults. Unknown fields are refused: they are mostly misspelt ones. */
export function requestOfBody(text: string): FeedRequest {
  return requestOf(feedRequest, text === "" ? {} : parseJson(text), "the body");
}

/** From the query string, `?limit=20&mode=batch&after=…&interests=chess&interests=visa`, as the body with the same fields. */
export function requestOfQuery(query: URLSearchParams): FeedRequest {
  const given = [...new Set(query.keys())].filter((name) => name !== regionOfSupabase);
  const fields = given.map((name) => {
    const all = query.getAll(name);
    const value = name === "interests" || all.length > 1 ? all : all[0];
    return [name, name === "limit" && /^\d+$/.test(String(value)) ? Number(value) : value];
  });
  return requestOf(feedQuery, Object.fromEntries(fields), "the query");
}

/** supabase-js adds it where an app names a region. */
const regionOfSupabase = "forceFunctionRegion";

function requestOf(schema: typeof feedRequest | typeof feedQuery, given: unknown, place: string): FeedRequest {
  const result = schema.safeParse(given);
  if (result.success) return { ...result.data, after: servedOf(result.data.after) };
  const [issue] = result.error.issues;
  if (issue.code === "unrecognized_keys")
    throw issue.path[0] === "filter"
      ? unknownField(issue, "the filter", feedFilter.shape)
      : unknownField(issue, place, schema.shape);
  if (issue.path[0] === "limit") throw new AppError(400, "invalid_limit", "limit must be a whole number from 1 to 100");
  if (issue.path[0] === "mode") throw new AppError(400, "invalid_mode", "mode must be live or batch");
  if (issue.path[0] === "after") throw invalidAfter();
  if (issue.path[0] === "filter")
    throw new AppError(
      400,
      "invalid_filter",
      "a filter may have tags (texts of 1 to 100 characters), author_ids (UUIDs), languages (such as en), each 1 to 50, and max_age_days (from 1 to 36500)",
    );
  if (issue.path[0] === "interests")
    throw new AppError(400, "invalid_interests", "interests must be up to 20 texts of 1 to 100 characters");
  throw new AppError(400, "invalid_body", 'the body must be a JSON object such as {"limit": 20}');
}

function servedOf(cursor: string | null): Served | null {
  const served = cursor === null ? null : readCursor(cursor);
  if (cursor !== null && served === null) throw invalidAfter();
  return served;
}

function invalidAfter(): AppError {
  return new AppError(
    400,
    "invalid_after",
    "after must be the `next` of an earlier answer; leave it out for the first page",
  );
}
