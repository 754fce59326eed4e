/** What `similar` takes and answers: posts like one, people like the caller, or a post's audience. */
import * as z from "zod";
import type { Api } from "../_shared/http/api.ts";
import { limitField } from "../_shared/http/request.ts";
import { feedItem } from "../_shared/recommend/feed.ts";

export const similarRequest = z
  .strictObject({
    find: z.enum(["posts", "people"]).default("posts").meta({
      description:
        "posts: like the one of post_id. people: like the caller, or with post_id those whom that post may interest.",
      refusal: "find must be posts or people",
    }),
    post_id: z.guid().optional().meta({
      description: "Of the post; for people it must be the caller's own. Needed for posts.",
      refusal: 'post_id must be the uuid of a post; only {"find": "people"} needs none',
    }),
    limit: limitField(100, 10, "How many at most."),
  })
  .refine(({ find, post_id }) => find === "people" || post_id !== undefined, { path: ["post_id"] })
  .meta({
    id: "SimilarRequest",
    description: "What is looked for: posts like one, people like the caller, or a post's audience.",
    examples: [{ post_id: "…" }],
  });

export type SimilarRequest = z.infer<typeof similarRequest>;

const model = z
  .object({ id: z.int(), name: z.string() })
  .nullable()
  .describe("By whose vectors they are similar; null: no model is active, and nothing is found.");

const similarPost = z
  .object({
    post_id: z.guid(),
    app_id: feedItem.shape.app_id,
    title: z.string(),
    similarity: z.number().describe("Inner product of the two vectors, from -1 to 1."),
  })
  .meta({ id: "SimilarPost", description: "A post like the one asked about." });

const similarPerson = z
  .object({
    user_id: z.guid(),
    similarity: z.number().describe("Inner product of the two vectors, from -1 to 1, to one decimal."),
  })
  .meta({ id: "SimilarPerson", description: "Somebody like the caller, or whom their post may interest." });

export const similarPosts = z
  .object({ find: z.literal("posts"), model, items: z.array(similarPost).describe("The nearest first.") })
  .meta({ id: "SimilarPosts", description: "Posts like one; none where that post has no vector yet." });

export const similarPeople = z
  .object({ find: z.literal("people"), model, items: z.array(similarPerson).describe("The nearest first.") })
  .meta({
    id: "SimilarPeople",
    description: "People like the caller, or a post's audience; none where the caller or the post has no vector yet.",
  });

export type SimilarPosts = z.infer<typeof similarPosts>;
export type SimilarPeople = z.infer<typeof similarPeople>;

export const similarApi: Api = {
  name: "similar",
  callers: "users",
  summary: "Posts like one, people like the caller, or the people whom a post of the caller's may interest.",
  requests: { POST: similarRequest },
  answer: z.discriminatedUnion("find", [similarPosts, similarPeople]),
  codes: {
    404: ["unknown_user", "unknown_post"],
  },
};
