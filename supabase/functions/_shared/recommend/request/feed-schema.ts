/** What `recommend` answers. A field more in the answer is a line here, with a sentence that becomes its documentation. */
import * as z from "zod";
import { type OptionalHead, optionalHeadInfo, optionalHeads } from "../../features/kinds.ts";
import { type Source, sourceNames } from "../../features/retrieval.ts";
import type { UserInput } from "../../features/tower-inputs.ts";

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

/** A post of a followed author names the author, a post with interactions of others names these. */
type Named = "followed" | "touched";
const plainReasons = [
  "exploration",
  ...sourceNames.filter((source): source is Exclude<Source, Named> => source !== "followed" && source !== "touched"),
] as const;

export const reason = z
  .discriminatedUnion("kind", [
    z
      .object({ kind: z.literal("like_your_history"), post_id: z.guid(), title: z.string() })
      .describe(
        "Among the 10 % of candidates most similar to the reader's history. `post_id` is the closest post of that history.",
      ),
    z.object({ kind: z.literal("follows_author"), author_id: z.guid() }).describe("The reader follows the author."),
    z
      .object({ kind: z.literal("follows_topic"), topic: z.string() })
      .describe("The reader follows a topic, or wants more of it, and the topic is one of the post's tags."),
    z
      .object({ kind: z.literal("followed_author"), author_id: z.guid() })
      .describe("The reader often interacts with this author's posts, whether or not they follow the author."),
    z
      .object({ kind: z.literal("shared_terms"), terms: z.array(z.string()) })
      .describe("Up to three rare terms that the post shares with posts the reader interacted with."),
    z
      .object({ kind: z.literal("promoted") })
      .describe("An operator promoted the post. `promoted` of the item names the promotion."),
    z
      .object({ kind: z.literal("candidates") })
      .describe("The request listed the post in `candidates`, and no more specific reason applies."),
    z
      .object({ kind: z.literal("touched"), people: z.array(z.guid()).max(2) })
      .describe(
        "People the reader follows interacted with the post, as far as the reader may see it. `people`: up to two of them, latest first; muted people and unreadable profiles are left out. Empty in a precomputed feed and when a read replica found the post.",
      ),
    z
      .object({ kind: z.enum(plainReasons) })
      .describe(
        "exploration: a new post that few people have been shown. covisited: at least ten people interacted with both this post and one the reader interacted with. Other values: the retrieval source.",
      ),
  ])
  .meta({
    id: "Reason",
    description:
      "Why the post is shown. Based on the reader's own history, the post and community-wide counts. Other people's activity appears in `touched` (people the reader follows, if the reader may see it) and `covisited` (ten or more people) only.",
  });

export const feedItem = z
  .object({
    post_id: z.guid(),
    app_id: z
      .string()
      .describe(
        "The post's id in the app's own table, as text. For numeric and text ids: the value that recsys.id_of() turned into `post_id`.",
      ),
    title: z.string(),
    author_id: z.guid().nullable().describe("The author; null if unknown."),
    created_at: z.iso
      .datetime()
      .nullable()
      .describe("When the post was written; null if it could not be read just now."),
    tags: z.array(z.string()).describe("The post's first ten tags."),
    excerpt: z
      .string()
      .describe(
        "The start of the text, as this reader may read it. White space is collapsed; texts over 200 characters are cut at a word boundary and end with …. Markup is kept.",
      ),
    score: z
      .number()
      .describe(
        "Relevance score. Page selection (diversity, exploration, pins) may place a post above one with a higher score.",
      ),
    predictions: predictions.nullable().describe("null: no model ranked."),
    source: z
      .enum([...sourceNames, "candidates"])
      .describe(
        "The retrieval source that ranked the post highest; on a tie, the more specific one. candidates: the request listed it.",
      ),
    why: reason,
    topic: z
      .object({ id: z.int(), label: z.string() })
      .nullable()
      .describe(
        "The post's topic. `id` stays when topics are recomputed; `label` names it. null: the post has no topic yet, no topic that several authors use, or none that visitors may see.",
      ),
    promoted: z
      .string()
      .optional()
      .describe("Name of the promotion that placed or boosted the post; absent if none did."),
    folded: z
      .int()
      .min(1)
      .optional()
      .describe(
        "Number of duplicates left out of this feed: posts with the same title words or of the same conversation (recsys.source_conversations). Absent if there are none.",
      ),
    position: z.int().min(1).describe("Position in the feed, from 1, counted across pages."),
  })
  .meta({ id: "FeedItem", description: "A post of a feed." });

export const feed = z
  .object({
    request_id: z.guid().describe("Identifies this feed in events of type `seen`."),
    model: z
      .object({ id: z.int(), name: z.string() })
      .nullable()
      .describe("The model that ranked the feed; null if none did."),
    mode: z
      .enum(["live", "batch", "candidates"])
      .describe(
        "live: ranked for this request. batch: the precomputed feed. candidates: the posts of the request, ranked.",
      ),
    degraded: z
      .enum(["unranked", "batch", "community"])
      .nullable()
      .describe(
        "The fallback that served the feed; null if nothing failed. unranked: the ranker failed, so candidates are in community or request order. batch: the precomputed feed. community: fresh and popular posts.",
      ),
    made_at: z.iso.datetime().describe("Time (of the engine's clock) as of which the feed was ranked."),
    basis: z
      .enum(["history", "profile", "followees", "community", "follows"])
      .describe(
        "What the ranking is based on. history: the user's interactions. profile: their profile or `interests`. followees: recent activity of people they follow, if nothing else is known. community: fresh and popular posts. follows: newest posts of followed people and topics, because the user chose that feed.",
      ),
    items: z.array(feedItem).describe("The posts, best first."),
    next: z.string().nullable().describe("Cursor of the next page, for `after`; null on the last page."),
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
  return followed ? "followees" : "community";
}
