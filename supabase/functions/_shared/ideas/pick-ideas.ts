/** The ideas for one author, out of all there are: what people ask for more than is written, and what the author knows. */
import { dimensions } from "../features/history.ts";
import { innerProduct } from "../features/inner-product.ts";
import { containsAny, folded, foldedParts, words } from "../features/words.ts";
import { authorMean } from "./forecast/author-means.ts";
import { blended } from "./forecast/blend.ts";
import { distinctWordsOf, TitleIndex } from "./forecast/title-index.ts";
import type { Idea } from "./idea.ts";
import type { IdeaPool } from "./idea-pool.ts";
import type { IdeaTopic } from "./read-idea-source.ts";
import { nearestAllowed } from "./titles/new-titles.ts";
import { needsOf } from "./topic-needs.ts";

/** From so many pages of ideas on an author is shown those alone that are nearest to them. */
const pagesAtLeast = 4;
/** Cosine above which an idea is near its reader; below it, all are about as far. */
const nearFrom = 0.1;
/** Ideas of one topic on a page. */
const perTopic = 3;
/** Titles of the same form are as near as one with the same subject, where a word differs: so many are looked through. */
const nearestLookedAt = 30;

export interface IdeaAuthor {
  /** What their latest posts got whose week is over: people. */
  people: number[];
  /** By the active model, [32]; null: none yet. */
  vector: ArrayLike<number> | null;
  /** Words and topics that they want to see nothing of, in small letters. */
  muted: string[];
  /** Texts that may stand nowhere in it, within words, too, in small letters. */
  mutedParts: string[];
  /** Of posts that are there and of which the pool may not know: their own, and what was written since it was made. */
  titles: string[];
}

export interface PickedIdea {
  idea: Idea;
  audience: number;
  /** Cosine of the author's vector with the idea's; null: either has none. */
  fit: number | null;
}

/** The best `limit` of some ideas for an author who knows of them: no two share a subject or a form, and no more than three are of a topic. */
export function pickIdeas(pool: IdeaPool, ideas: Idea[], author: IdeaAuthor, limit: number): PickedIdea[] {
  const needs = needsOf(pool.topics);
  const own = { sum: author.people.reduce((sum, each) => sum + Math.log1p(each), 0), count: author.people.length };
  const ofAuthor = authorMean(pool.level, own);
  const scored = unwritten(ideas, author.titles)
    .filter(({ title, topic }) => !mentionsMuted(`${title} ${topic?.label ?? ""}`, author))
    .map((idea) => {
      const audience = blended(pool.blend, { ...idea.parts, author: ofAuthor });
      const fit = author.vector && idea.vector ? innerProduct(author.vector, 0, idea.vector, 0, dimensions) : null;
      const need = idea.topic ? (needs.get(idea.topic.id) ?? 1) : 1;
      return { idea, audience, fit, score: audience * Math.sqrt(need) * Math.exp(fit ?? 0) };
    })
    .sort((a, b) => b.score - a.score);
  const least = leastFit(
    scored.flatMap(({ fit }) => (fit === null ? [] : [fit])),
    limit,
  );
  const page: PickedIdea[] = [];
  const used = new Set<string>();
  const ofTopic = new Map<number, number>();
  for (const { score: _, ...picked } of scored) {
    if (page.length === limit) break;
    const { subjects, form, topic } = picked.idea;
    const count = topic ? (ofTopic.get(topic.id) ?? 0) : 0;
    if ((picked.fit ?? least) < least || used.has(form) || subjects.some((subject) => used.has(subject))) continue;
    // where there is one topic alone, it has them all
    if (count >= perTopic && pool.topics.length > 1) continue;
    for (const each of [form, ...subjects]) used.add(each);
    if (topic) ofTopic.set(topic.id, count + 1);
    const unmuted = (texts: string[]) => texts.filter((text) => !mentionsMuted(text, author));
    const { points, tags } = picked.idea;
    page.push({ ...picked, idea: { ...picked.idea, points: unmuted(points), tags: unmuted(tags) } });
  }
  return page;
}

/** An author knows of what is nearer to them than three quarters of all ideas, where these fill several pages, and not on the other side. */
function leastFit(fits: number[], limit: number): number {
  if (fits.length < pagesAtLeast * limit) return Number.NEGATIVE_INFINITY;
  const sorted = fits.sort((a, b) => a - b);
  return Math.max(nearFrom, sorted[Math.floor(sorted.length * 0.75)]);
}

/** Those of which none of some posts says nearly the same of the same subject. */
function unwritten(ideas: Idea[], titles: string[]): Idea[] {
  const written = titles.map((title) => distinctWordsOf({ title, tags: [] }));
  // all words weigh the same: how rare one is, an author's few titles do not say
  const index = new TitleIndex([], 1);
  for (const text of written) index.add(text);
  return ideas.filter(({ title, subject, writer }) => {
    // a language model's idea is of no form that others share, so its subject is the whole of it
    const needed = writer === "community" ? words(subject) : [];
    return !index
      .nearest(distinctWordsOf({ title, tags: [] }), nearestLookedAt)
      .some(
        ({ text, similarity }) => similarity >= nearestAllowed && needed.every((word) => written[text].includes(word)),
      );
  });
}

/** Whether a text has one of the words or parts, or names one of the topics, that somebody muted. */
export function mentionsMuted(text: string, { muted, mutedParts }: Pick<IdeaAuthor, "muted" | "mutedParts">): boolean {
  const said = ` ${plain(text)} `;
  if (muted.some((each) => plain(each) !== "" && said.includes(` ${plain(each)} `))) return true;
  return containsAny(text, mutedParts);
}

const plain = (text: string) => foldedParts(folded(text)).join(" ");

/** That a language model is asked about for one author: each takes it seconds. */
const topicsAtMost = 3;

/** The topics an author should hear about: needed, visited, and near to them. null stands for the community as a whole, where there are none. */
export function topicsFor(
  { vector }: Pick<IdeaAuthor, "vector">,
  { topics }: Pick<IdeaPool, "topics">,
): (IdeaTopic | null)[] {
  if (topics.length === 0) return [null];
  const needs = needsOf(topics);
  const value = (topic: IdeaTopic) =>
    Math.sqrt(topic.demand * (needs.get(topic.id) ?? 1)) *
    Math.exp(vector ? innerProduct(vector, 0, topic.centroid, 0, dimensions) : 0);
  return topics
    .map((topic) => ({ topic, value: value(topic) }))
    .sort((a, b) => b.value - a.value)
    .slice(0, topicsAtMost)
    .map(({ topic }) => topic);
}
