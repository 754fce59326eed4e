/** Selects the ideas for one author from all ideas: topics with more demand than supply, and close to the author. */
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

/** Number of pages of ideas from which on an author gets only those closest to them. */
const pagesAtLeast = 4;
/** Minimum cosine of an idea that counts as close; below it, distances say little. */
const nearFrom = 0.1;
/** Maximum number of ideas of one topic on a page. */
const perTopic = 3;
/** Number of nearest titles that are compared: titles of the same form are as near as those of the same subject. */
const nearestLookedAt = 30;

export interface IdeaAuthor {
  /** Numbers of people that their latest settled posts reached (settled: their first week is over). */
  people: number[];
  /** Vector [32] by the active model; null if they have none. */
  vector: ArrayLike<number> | null;
  /** Muted words and topics, in lower case. */
  muted: string[];
  /** Muted texts, in lower case, that match anywhere, even within words. */
  mutedParts: string[];
  /** Titles that the pool may lack: the author's own posts, and posts written since the pool was made. */
  titles: string[];
}

export interface PickedIdea {
  idea: Idea;
  audience: number;
  /** Cosine of the author's vector with the idea's; null if either is missing. */
  fit: number | null;
}

/** The best `limit` ideas for an author. No two share a subject or form, and at most three have the same topic. */
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
    // a single topic may fill the page
    if (count >= perTopic && pool.topics.length > 1) continue;
    for (const each of [form, ...subjects]) used.add(each);
    if (topic) ofTopic.set(topic.id, count + 1);
    const unmuted = (texts: string[]) => texts.filter((text) => !mentionsMuted(text, author));
    const { points, tags } = picked.idea;
    page.push({ ...picked, idea: { ...picked.idea, points: unmuted(points), tags: unmuted(tags) } });
  }
  return page;
}

/** Minimum fit: the third quartile of all fits, if there are several pages of ideas, but at least `nearFrom`. */
function leastFit(fits: number[], limit: number): number {
  if (fits.length < pagesAtLeast * limit) return Number.NEGATIVE_INFINITY;
  const sorted = fits.sort((a, b) => a - b);
  return Math.max(nearFrom, sorted[Math.floor(sorted.length * 0.75)]);
}

/** Ideas that no post has written yet: drops those with a similar title about the same subject. */
function unwritten(ideas: Idea[], titles: string[]): Idea[] {
  const written = titles.map((title) => distinctWordsOf({ title, tags: [] }));
  // all words weigh the same: a few titles do not show how rare a word is
  const index = new TitleIndex([], 1);
  for (const text of written) index.add(text);
  return ideas.filter(({ title, subject, writer }) => {
    // a language model's idea has no subject of its own, so only the similarity counts
    const needed = writer === "community" ? words(subject) : [];
    return !index
      .nearest(distinctWordsOf({ title, tags: [] }), nearestLookedAt)
      .some(
        ({ text, similarity }) => similarity >= nearestAllowed && needed.every((word) => written[text].includes(word)),
      );
  });
}

/** Whether a text contains a muted word or part, or names a muted topic. */
export function mentionsMuted(text: string, { muted, mutedParts }: Pick<IdeaAuthor, "muted" | "mutedParts">): boolean {
  const said = ` ${plain(text)} `;
  if (muted.some((each) => plain(each) !== "" && said.includes(` ${plain(each)} `))) return true;
  return containsAny(text, mutedParts);
}

const plain = (text: string) => foldedParts(folded(text)).join(" ");

/** Maximum number of topics that a language model is asked about per author: each takes seconds. */
const topicsAtMost = 3;

/** Topics to suggest to an author, by need, demand and closeness. Without topics, [null], the community as a whole. */
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
