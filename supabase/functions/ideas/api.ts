/** What `ideas` takes and answers. */
import * as z from "zod";
import type { Api } from "../_shared/http/api.ts";
import { limitField } from "../_shared/http/request.ts";

export const ideasRequest = z.strictObject({ limit: limitField(10, 10, "How many at most.") }).meta({
  id: "IdeasRequest",
  description: "How many ideas for posts the caller wants.",
  examples: [{ limit: 10 }],
});

export type IdeasRequest = z.infer<typeof ideasRequest>;

const count = z.int().min(0);

const namedPost = z
  .object({ post_id: z.uuid(), app_id: z.string(), title: z.string() })
  .meta({ id: "NamedPost", description: "A post that the caller may read, by its title." });

const need = z
  .object({
    kind: z
      .enum(["unanswered", "often_unanswered", "high_demand"])
      .describe(
        "unanswered: posts without a comment by another person after two days. often_unanswered: a topic whose posts go unanswered more often than others. high_demand: a topic whose share of readers is larger than its share of posts.",
      ),
    topic: z.object({ id: z.int(), label: z.string() }).nullable().describe("null: the need has no particular topic."),
    posts: z
      .array(namedPost)
      .min(1)
      .describe(
        "Up to three posts of the last 28 days as evidence. Posts visited by ten or more people come first (most visited first), then the oldest. Posts on probation are excluded.",
      ),
  })
  .meta({ id: "Need", description: "An unmet need of the community." });

const idea = z
  .object({
    title: z.string(),
    points: z
      .array(z.string())
      .describe(
        "Up to three words, phrases or hints for the text. Empty if posts about the subject have no distinctive words.",
      ),
    tags: z.array(z.string()).describe("Up to three tags that posts about the subject have."),
    topic: z
      .object({ id: z.int(), label: z.string() })
      .nullable()
      .describe("The idea's topic; null before topics are computed."),
    why: z
      .object({
        people_interested: z
          .int()
          .min(10)
          .nullable()
          .describe(
            "People who interacted in the last 28 days with posts of the topic that any member may read, rounded down to tens. null: fewer than ten.",
          ),
        posts_lately: z.int().describe("Posts of the topic in the last 28 days that any member may read."),
        unanswered: z.int().describe("How many of them have no comment by another person."),
      })
      .nullable()
      .describe("Demand and supply of the topic; null if `topic` is."),
    predicted: z
      .object({
        audience: count.describe(
          "Distinct people who would interact with the post within 7 days if the caller wrote it.",
        ),
        views: count.describe("How many of them would view it."),
        votes: count.describe("How many of them would vote for it."),
        comments: count.describe("How many of them would comment on it."),
      })
      .describe("Expected numbers within 7 days, estimated from similar past posts and rounded."),
    fit: z
      .number()
      .nullable()
      .describe(
        "Similarity to what the caller knows and writes: the cosine of the two towers' vectors, from -1 to 1. null while the caller has no vector.",
      ),
    inspired_by: z
      .array(namedPost)
      .describe("Up to three posts with the nearest titles that inspired the idea and that the caller may read."),
    writer: z
      .enum(["community", "model"])
      .describe(
        "community: from the language of its titles; model: a language model of the operator's choice wrote it.",
      ),
  })
  .meta({ id: "Idea", description: "A post that the caller might write." });

/** What ideas may lack, and why, as the caller is told. */
const notes = {
  too_few_posts: "the titles that every member may read share too few forms and subjects to make more of them",
  no_profile: "you have no profile yet, so nothing is known of what you would like to write",
  no_vector:
    "what you know and write is not known yet: it is a few seconds after your first post, or with the next model",
  no_personalisation: "you want no personalisation, so ideas do not go by what you know and write",
  no_topics: "the topics of the community have not been made for the model that serves: npx --no-install recsys topics",
  no_model: "no model is active, so ideas are ordered by their audience alone",
  writer_failed: "the language model did not give all it was asked for: the community's own words do",
} as const;
export type NoteCode = keyof typeof notes;
const noteCodes = Object.keys(notes) as NoteCode[];

export const ideasAnswer = z
  .object({
    model: z
      .object({ id: z.int(), name: z.string() })
      .nullable()
      .describe("The model behind `fit` and the topics; null if no model is active."),
    needs: z.array(need).describe("Unmet needs of the community; the same for every caller."),
    items: z.array(idea).describe("Best first: a large audience, more demand than supply, close to the caller."),
    notes: z
      .array(z.object({ code: z.enum(noteCodes), message: z.string() }))
      .describe("What these ideas lack, and the reason."),
  })
  .meta({ id: "Ideas", description: "Ideas for posts." });

export type IdeasAnswer = z.infer<typeof ideasAnswer>;

/** The notes of an answer, for those of which it is so. */
export function notesOf(holds: Record<NoteCode, boolean>): IdeasAnswer["notes"] {
  return noteCodes.filter((code) => holds[code]).map((code) => ({ code, message: notes[code] }));
}

export const ideasApi: Api = {
  name: "ideas",
  callers: "users",
  summary:
    "Ideas for posts: what people ask for more than is written, near to what the caller knows, with the audience to expect.",
  requests: { POST: ideasRequest },
  answer: ideasAnswer,
  codes: {},
};
