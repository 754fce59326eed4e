/** What `similar` takes and answers: posts like one, people like the caller, how many people a post may reach, or whom and what to follow. */
import * as z from "zod";
import type { Api } from "../_shared/http/api.ts";
import { limitField } from "../_shared/http/request.ts";
import { feedItem } from "../_shared/recommend/request/feed-schema.ts";

export const similarRequest = z
  .strictObject({
    find: z
      .enum(["posts", "people", "reach", "people_to_follow", "topics_to_follow", "groups_to_follow"])
      .default("posts")
      .meta({
        description:
          "posts: like the one of post_id. people: like the caller. reach: about how many people the post of post_id may reach. people_to_follow, topics_to_follow, groups_to_follow: whom and what the caller might follow.",
        refusal: "find must be posts, people, reach, people_to_follow, topics_to_follow or groups_to_follow",
      }),
    post_id: z.guid().optional().meta({
      description: "Of the post; for reach it must be the caller's own. Needed for posts and reach alone.",
      refusal: "post_id must be the uuid of a post; only posts and reach take one",
    }),
    limit: limitField(100, 10, "How many at most."),
  })
  .refine(({ find, post_id }) => (find === "posts" || find === "reach") === (post_id !== undefined), {
    path: ["post_id"],
  })
  .meta({
    id: "SimilarRequest",
    description:
      "What is looked for: posts like one, people like the caller, a post's reach, or whom and what to follow.",
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
  })
  .meta({ id: "SimilarPost", description: "A post similar to the requested one." });

const similarPerson = z
  .object({ user_id: z.guid() })
  .meta({ id: "SimilarPerson", description: "A person similar to the caller." });

export const similarPosts = z
  .object({ find: z.literal("posts"), model, items: z.array(similarPost).describe("The nearest first.") })
  .meta({ id: "SimilarPosts", description: "Posts similar to one post; empty while that post has no vector." });

export const similarPeople = z
  .object({ find: z.literal("people"), model, items: z.array(similarPerson).describe("The nearest ten first.") })
  .meta({
    id: "SimilarPeople",
    description:
      "People similar to the caller, recomputed once a day. Empty while the caller has no vector, or if fewer than ten are found.",
  });

export const postReach = z
  .object({
    find: z.literal("reach"),
    model,
    people: z
      .int()
      .min(10)
      .nullable()
      .describe(
        "People who interacted in the last 28 days with posts of the same topic that any signed-in member may read, rounded down to tens. null: fewer than ten, or the post has no topic yet.",
      ),
  })
  .meta({
    id: "PostReach",
    description: "Estimated audience of a post: the same for all posts of its topic.",
  });

const why = z
  .discriminatedUnion("kind", [
    z
      .object({ kind: z.literal("came_to_posts"), posts: z.int().min(1).describe("How many.") })
      .describe("The caller recently interacted with posts of this person, or of this topic."),
    z
      .object({ kind: z.literal("followed_by"), people: z.array(z.guid()).min(1).max(3) })
      .describe("Followed by people the caller follows (up to three are listed), as far as the caller may see that."),
    z.object({ kind: z.literal("similar") }).describe("The person is similar to the caller."),
  ])
  .meta({ id: "SuggestionWhy", description: "Why a person or a topic is suggested." });

export const peopleToFollow = z
  .object({
    find: z.literal("people_to_follow"),
    items: z.array(
      z
        .object({ user_id: z.guid(), why })
        .meta({ id: "PersonToFollow", description: "A person the caller may want to follow." }),
    ),
  })
  .meta({
    id: "PeopleToFollow",
    description: "Whom the caller might follow, and neither follows nor muted: people like the caller come last.",
  });

export const topicsToFollow = z
  .object({
    find: z.literal("topics_to_follow"),
    items: z.array(
      z.object({ topic: z.string(), why }).meta({ id: "TopicToFollow", description: "What the caller might follow." }),
    ),
  })
  .meta({ id: "TopicsToFollow", description: "Topics that the caller might follow, and neither follows nor muted." });

export const groupsToFollow = z
  .object({
    find: z.literal("groups_to_follow"),
    items: z.array(
      z
        .object({ group: z.string(), why })
        .meta({ id: "GroupToFollow", description: "A group that the caller might follow." }),
    ),
  })
  .meta({ id: "GroupsToFollow", description: "Groups that the caller might follow, and neither follows nor muted." });

export type PeopleToFollow = z.infer<typeof peopleToFollow>;
export type TopicsToFollow = z.infer<typeof topicsToFollow>;
export type GroupsToFollow = z.infer<typeof groupsToFollow>;
export type SimilarPosts = z.infer<typeof similarPosts>;
export type SimilarPeople = z.infer<typeof similarPeople>;
export type PostReach = z.infer<typeof postReach>;

export const similarApi: Api = {
  name: "similar",
  callers: "users",
  summary:
    "Posts like one, people like the caller, about how many people a post of the caller's may reach, or whom and what to follow.",
  requests: { POST: similarRequest },
  answer: z.discriminatedUnion("find", [
    similarPosts,
    similarPeople,
    postReach,
    peopleToFollow,
    topicsToFollow,
    groupsToFollow,
  ]),
  codes: {
    404: ["unknown_user", "unknown_post"],
  },
};
