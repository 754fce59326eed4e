/** What is asked for: how many posts, after which, whether ranked now or ahead, what each has to be like, what its reader cares about, and which posts to rank. */
import * as z from "zod";
import type { Api } from "../_shared/http/api.ts";
import { limitField, parseJson, requestOf } from "../_shared/http/request.ts";
import { newPosts } from "../_shared/recommend/request/count-new-posts.ts";
import { readCursor, type Served } from "../_shared/recommend/request/cursor.ts";
import { feedFilter } from "../_shared/recommend/request/feed-filter.ts";
import { feed } from "../_shared/recommend/request/feed-schema.ts";

const mode = z.enum(["live", "batch"]).default("live").meta({
  description: "live: ranked for this request. batch: from the list made ahead, where there is one.",
  refusal: "mode must be live or batch",
});

/** The cursor is read: what the pages before have served; null: this is the first. */
const after = z
  .string()
  .nullable()
  .default(null)
  .transform((cursor, context): Served | null => {
    if (cursor === null) return null;
    const served = readCursor(cursor);
    if (!served) context.addIssue("no feed gave it");
    return served;
  })
  .meta({
    description: "The `next` of the page before; null: the first page.",
    refusal: "after must be the `next` of an earlier answer; leave it out for the first page",
  });

const [mostInterests, longestInterest] = [20, 100];
const interests = z
  .array(z.string().min(1).max(longestInterest))
  .max(mostInterests)
  .default([])
  .meta({
    description:
      "The reader's interests, in a few words each; the first 16 distinct words count. For a visitor they are the only input; for a user they come before the profile.",
    refusal: `interests must be up to ${mostInterests} texts of 1 to ${longestInterest} characters`,
  });

const longestQuery = 200;
const query = z
  .string()
  .min(1)
  .max(longestQuery)
  .optional()
  .meta({
    description: "The reader's current search, such as the words that found `candidates`. Used as the first interest.",
    refusal: `query must be a text of 1 to ${longestQuery} characters`,
  });

const mostCandidates = 1000;
const candidates = z
  .array(z.guid().toLowerCase())
  .max(mostCandidates)
  .transform((ids) => [...new Set(ids)])
  .optional()
  .meta({
    description:
      "Posts to rank, such as hits of the app's own search. If absent, the recommender retrieves candidates. Ids that are unknown, unreadable or muted are ignored.",
    refusal: `candidates must be up to ${mostCandidates} UUIDs of posts`,
  });

const countSince = z.iso
  .datetime({ offset: true })
  .transform((instant) => Date.parse(instant))
  .optional()
  .meta({
    description:
      "Returns the number of posts written since this time (a feed's `made_at`) instead of a feed. Of the other fields only `filter` applies.",
    refusal: "count_since must be an instant such as the made_at of a feed",
  });

/**
 * The request of `recommend`. A further field is a line here, with its documentation and the error for a wrong
 * value.
 */
export const feedRequest = z
  .strictObject({
    limit: limitField(100, 20, "How many posts at most."),
    mode,
    after,
    filter: feedFilter.optional(),
    interests,
    query,
    candidates,
    count_since: countSince,
  })
  .meta({
    id: "FeedRequest",
    description: "Request for one page of a feed.",
    examples: [{ limit: 20 }],
  });

export type FeedRequest = z.output<typeof feedRequest>;

/** What the query may have. A filter and candidates go into a body. */
const feedQuery = feedRequest.omit({ filter: true, candidates: true });

/** From a JSON body; an empty one means the defaults. @throws AppError 400 */
export function feedRequestOf(text: string): FeedRequest {
  return requestOf(feedRequest, text === "" ? {} : parseJson(text));
}

/** From the query string, `?limit=20&mode=batch&after=…&interests=chess&interests=visa`, as the body with the same fields. @throws AppError 400 */
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

export const recommendApi: Api = {
  name: "recommend",
  callers: "users",
  visitors: true,
  summary: "The caller's personal feed; for a visitor, one by the interests they name.",
  requests: { POST: feedRequest, GET: feedQuery },
  answer: z.union([feed, newPosts]),
  codes: { 404: ["unknown_user"], 503: ["model_corrupt", "model_incompatible"] },
};
