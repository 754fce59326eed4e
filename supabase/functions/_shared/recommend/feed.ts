/** What `recommend` answers. A field more in the answer is a line here, with a sentence that becomes its documentation. */
import * as z from "zod";
import { type OptionalHead, optionalHeadInfo, optionalHeads } from "../features/kinds.ts";
import { type Source, sourceNames } from "../features/retrieval.ts";
import type { UserInput } from "../features/tower-inputs.ts";

const probability = z.number().min(0).max(1);

const optionalPredictions = Object.fromEntries(
  optionalHeads.map((head) => [
    head,
    probability.optional().describe(`${optionalHeadInfo[head].predicted} Left out: the model does not predict it.`),
  ]),
) as Record<OptionalHead, z.ZodOptional<z.ZodNumber>>;

const predictions = z
  .object({ view: probability, vote: probability, comment: probability, ...optionalPredictions })
  .meta({ id: "Predictions", description: "Probabilities that the user views, votes for and comments on a post." });

/** Of what followed authors wrote the author is named, of what others came to these are. */
type Named = "followed" | "touched";
const plainReasons = [
  "exploration",
  ...sourceNames.filter((source): source is Exclude<Source, Named> => source !== "followed" && source !== "touched"),
] as const;

export const reason = z
  .discriminatedUnion("kind", [
    z
      .object({ kind: z.literal("like_your_history"), post_id: z.guid(), title: z.string() })
      .describe("Of all they came to, that post is most like this one, and few candidates are as like."),
    z.object({ kind: z.literal("follows_author"), author_id: z.guid() }).describe("They follow its author."),
    z
      .object({ kind: z.literal("follows_topic"), topic: z.string() })
      .describe("They follow a topic, or want more of it, which is one of its tags."),
    z
      .object({ kind: z.literal("followed_author"), author_id: z.guid() })
      .describe("They often come to posts of its author."),
    z
      .object({ kind: z.literal("shared_terms"), terms: z.array(z.string()) })
      .describe("Up to three rare words that it shares with what they came to."),
    z
      .object({ kind: z.literal("promoted") })
      .describe("Whoever runs the app gave it this place: `promoted` of the item says as what."),
    z.object({ kind: z.literal("candidates") }).describe("The request named it, and nothing above says more."),
    z
      .object({ kind: z.literal("touched"), people: z.array(z.guid()).max(2) })
      .describe(
        "Those whom they follow came to it, as far as they may read that. people: who came last, of those whose profile they may read too and whom they did not mute; none in a list made ahead, and where a replica found the post.",
      ),
    z
      .object({ kind: z.enum(plainReasons) })
      .describe(
        "exploration: it is new and few were shown it so far. covisited: ten people or more who came to something that they came to also came to it. The others: as its source says.",
      ),
  ])
  .meta({
    id: "Reason",
    description:
      "Why a post is shown, from the caller's own history, the post itself and numbers of the whole community; from what others did only that some whom the caller follows came to it, where the caller may read that, and that several who came to the same came to it.",
  });

export const feedItem = z
  .object({
    post_id: z.guid(),
    app_id: z
      .string()
      .describe("Its id in the app's own table, as text: where that is no uuid, what recsys.id_of made post_id of."),
    title: z.string(),
    author_id: z.guid().nullable().describe("Who wrote it; null: nobody who is known."),
    created_at: z.iso.datetime().nullable().describe("When it was written; null: it could not be read just now."),
    tags: z.array(z.string()).describe("What it is about: its first ten tags."),
    excerpt: z
      .string()
      .describe(
        "The beginning of its text as this reader may read it: white space is one space, and what is longer than 200 letters ends behind a whole word with …. Markup is left as it is.",
      ),
    score: z.number().describe("What the feed is ordered by."),
    predictions: predictions.nullable().describe("null: no model ranked."),
    source: z
      .enum([...sourceNames, "candidates"])
      .describe("What brought the post; of several, the one that says most. candidates: the request."),
    why: reason,
    topic: z
      .object({ id: z.int(), label: z.string() })
      .nullable()
      .describe(
        "What it is about: id stays when topics are remade, label names it. null: it has none yet, none that several authors name, or none that visitors may be told.",
      ),
    promoted: z
      .string()
      .optional()
      .describe("As what whoever runs the app put it here, or helped it there; left out: nobody did."),
    folded: z
      .int()
      .min(1)
      .optional()
      .describe(
        "How many posts more say the same, with the same words in the title, or are of the same conversation as the app says: none of them comes in this feed. Left out: none that was found.",
      ),
    position: z.int().min(1).describe("In the feed, from 1, counted through its pages."),
  })
  .meta({ id: "FeedItem", description: "A post of a feed." });

export const feed = z
  .object({
    request_id: z.guid().describe("Names this feed in events of type seen."),
    model: z.object({ id: z.int(), name: z.string() }).nullable().describe("The model that ranked; null: none did."),
    mode: z
      .enum(["live", "batch", "candidates"])
      .describe(
        "live: ranked for this request. batch: from the list made ahead. candidates: those of the request, ranked.",
      ),
    degraded: z
      .enum(["unranked", "batch", "community"])
      .nullable()
      .describe(
        "null: nothing failed. unranked: the ranker failed, its candidates come in the order of the community feed, or as the request named them. batch: the list made ahead, which nobody asked for. community: what is fresh and popular.",
      ),
    made_at: z.iso.datetime().describe("The engine's instant for which it was ranked."),
    basis: z
      .enum(["history", "profile", "followed", "community", "follows"])
      .describe(
        "history: from what the user did. profile: from what they say of themselves, in their profile or in the request. followed: from what those whom they follow did and wrote lately; nothing else is known of them. community: what is fresh and popular. follows: the newest of whom and what they follow, as they want it.",
      ),
    items: z.array(feedItem).describe("The best first."),
    next: z.string().nullable().describe("Asks for the next page, as `after`; null: nothing is left."),
  })
  .meta({ id: "Feed", description: "A personal feed." });

export type Feed = z.infer<typeof feed>;
export type FeedItem = z.infer<typeof feedItem>;
export type Reason = z.infer<typeof reason>;
export type Predictions = z.infer<typeof predictions>;
export type Basis = Feed["basis"];

/** What a feed that a model ranked is based on. */
export function basisOf({ history, passions, projects, bio, followed }: UserInput): Basis {
  if (history.length > 0) return "history";
  if (passions.length + projects.length + bio.length > 0) return "profile";
  return followed ? "followed" : "community";
}
