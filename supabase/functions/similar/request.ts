/** What is looked for: posts like one, people like the caller, or a post's audience; and how many. */
import * as z from "zod";
import { AppError } from "../_shared/http/errors.ts";
import { parseJson } from "../_shared/http/parse-json.ts";
import { unknownField } from "../_shared/http/unknown-field.ts";

const limit = z.int().min(1).max(100).default(10);

export const similarRequest = z
  .strictObject({
    find: z
      .enum(["posts", "people"])
      .default("posts")
      .describe(
        "posts: like the one of post_id. people: like the caller, or with post_id those whom that post may interest.",
      ),
    post_id: z.guid().optional().describe("Of the post; for people it must be the caller's own. Needed for posts."),
    limit: limit.describe("How many at most."),
  })
  .refine(({ find, post_id }) => find === "people" || post_id !== undefined, { path: ["post_id"] })
  .meta({
    id: "SimilarRequest",
    description: "What is looked for: posts like one, people like the caller, or a post's audience.",
  });

export type SimilarRequest = z.infer<typeof similarRequest>;

/** From a JSON body. Unknown fields are refused: they are mostly misspelt ones. @throws AppError 400 */
export function requestOfBody(text: string): SimilarRequest {
  const result = similarRequest.safeParse(parseJson(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const { path } = issue;
  if (issue.code === "unrecognized_keys") throw unknownField(issue, "the body", similarRequest.shape);
  if (path[0] === "find") throw new AppError(400, "invalid_find", "find must be posts or people");
  if (path[0] === "post_id")
    throw new AppError(
      400,
      "invalid_post_id",
      'post_id must be the uuid of a post; only {"find": "people"} needs none',
    );
  if (path[0] === "limit") throw new AppError(400, "invalid_limit", "limit must be a whole number from 1 to 100");
  throw new AppError(400, "invalid_body", 'the body must be a JSON object such as {"post_id": "…"}');
}
