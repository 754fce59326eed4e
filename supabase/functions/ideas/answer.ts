/** What `ideas` answers. */
import * as z from "zod";

const count = z.number().min(0);

const idea = z
  .object({
    title: z.string(),
    points: z.array(z.string()).describe("Up to three words, phrases or hints: what to speak of."),
    topic: z
      .object({ id: z.int(), label: z.string() })
      .nullable()
      .describe("What it is about; null: the community's topics have not been made."),
    why: z
      .object({
        people_interested: count.describe("People a day who come to posts of the topic, in the last 28 days."),
        posts_lately: z.int().describe("Posts of the topic in the last 28 days that any member may read."),
        unanswered: z.int().describe("How many of them nobody else has commented on."),
      })
      .nullable()
      .describe("What is asked for and what is there; null where topic is."),
    predicted: z
      .object({
        audience: count.describe("Distinct people who do something with it within 7 days, were it the caller's."),
        views: count.describe("How many of them view it,"),
        votes: count.describe("vote for it,"),
        comments: count.describe("and comment on it; one may do all three."),
      })
      .describe("On average, as the community's posts of the past say."),
    fit: z
      .number()
      .nullable()
      .describe(
        "How near it is to what the caller knows and writes: the cosine of the two towers' vectors, from -1 to 1; null: the caller has none yet.",
      ),
    writer: z
      .enum(["community", "model"])
      .describe(
        "community: from the language of its titles; model: a language model of the operator's choice wrote it.",
      ),
  })
  .meta({ id: "Idea", description: "A post that the caller might write." });

export const noteCodes = [
  "too_few_posts",
  "no_profile",
  "no_vector",
  "no_topics",
  "no_model",
  "writer_failed",
] as const;
export type NoteCode = (typeof noteCodes)[number];

export const ideasAnswer = z
  .object({
    model: z
      .object({ id: z.int(), name: z.string() })
      .nullable()
      .describe("Whose vectors fit and topics are by; null: none is active."),
    items: z.array(idea).describe("The best first: large audience, more asked for than written, near to the caller."),
    notes: z
      .array(z.object({ code: z.enum(noteCodes), message: z.string() }))
      .describe("What these ideas lack, and why."),
  })
  .meta({ id: "Ideas", description: "Ideas for posts." });

export type IdeasAnswer = z.infer<typeof ideasAnswer>;
