/** What `similar` answers. */
import * as z from "zod";

const model = z
  .object({ id: z.int(), name: z.string() })
  .nullable()
  .describe("By whose vectors they are similar; null: no model is active, and nothing is found.");

const similarPost = z
  .object({
    post_id: z.guid(),
    app_id: z
      .string()
      .describe("Its id in the app's own table, as text: where that is no uuid, what recsys.id_of made post_id of."),
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
