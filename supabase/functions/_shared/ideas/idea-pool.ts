/** The pool of ideas: all titles that the community's own language gives, with forecasts; made once for all users. */

import { dimensions } from "../features/history.ts";
import { innerProduct } from "../features/inner-product.ts";
import { postTextInput, postTowerInputs } from "../features/tower-inputs.ts";
import type { Components } from "../features/vector-match.ts";
import type { InferenceSession } from "../models/inference.ts";
import { towerVectors } from "../towers/tower-vectors.ts";
import { findNeeds, type Need } from "./find-needs.ts";
import type { Level } from "./forecast/author-means.ts";
import type { Blend } from "./forecast/blend.ts";
import { Forecaster } from "./forecast/forecaster.ts";
import { distinctWordsOf, TitleIndex } from "./forecast/title-index.ts";
import type { Idea, Writer } from "./idea.ts";
import type { IdeaPost, IdeaSource, IdeaTopic } from "./read-idea-source.ts";
import { Coherence } from "./titles/coherence.ts";
import { isNew, newTitles } from "./titles/new-titles.ts";
import { Phrasebook } from "./titles/phrasebook.ts";
import { SubjectPosts } from "./titles/subject-posts.ts";
import { TermVectors } from "./titles/term-vectors.ts";

/** Maximum number of titles that are fully evaluated: those with the best forecast by words alone. */
const titlesAtMost = 600;
const neighbours = 30;
/** Maximum number of posts named as an idea's origin, and the number of nearest posts from which they are chosen. */
const [fromAtMost, nearestLookedAt] = [3, 200];
/** Weight of the overall shares (views, votes, comments) in those of an idea, in people. */
const priorPosts = 10;
/** 28 days in milliseconds, the same period as for demand and supply of topics. */
export const lately = 28 * 24 * 3_600_000;

/** The stored form, as plain data without people; `named` has its own column. */
export interface IdeaPool {
  /** Ids of the posts that ideas and needs refer to; null for one deleted since. */
  named: (string | null)[];
  ideas: Idea[];
  topics: IdeaTopic[];
  blend: Blend;
  /** Mean audience of all posts, in log(1 + people). */
  level: Level;
  /** By topic: posts of the last 28 days, and those without a comment by another user. */
  lately: Record<string, { posts: number; unanswered: number }>;
  /** The community's needs, with posts as indices into `named`. */
  needs: (Omit<Need, "posts"> & { posts: number[] })[];
  /** Number of posts that it was made from. */
  posts: number;
}

/**
 * A pool with the community's words, which only the worker that made it has; used
 * to judge titles from a language model.
 */
export interface IdeaMaker {
  pool: IdeaPool;
  /** Turns titles and points into ideas, without those that resemble an existing post. */
  ideaOf(titles: { title: string; points: string[] }[], writer: Writer): Promise<Idea[]>;
  /** Titles of a topic (null: of all posts), largest audience first, as examples for a language model. */
  titlesOf(topicId: number | null): string[];
  /** Whether several authors used the word in their titles. */
  isKnownName(word: string): boolean;
}

/** Makes the pool. `tower`: the active model's post tower, or null if no model is active. */
export async function makeIdeaPool(
  { now, posts, topics }: IdeaSource,
  tower: InferenceSession | null,
): Promise<IdeaMaker> {
  const settled = posts.filter(({ isSettled }) => isSettled);
  const forecaster = new Forecaster(settled);
  const numbers = new Map<string, number>();
  const numberOf = (author: string | null) => {
    if (author === null) return -1;
    const number = numbers.get(author) ?? numbers.size;
    numbers.set(author, number);
    return number;
  };
  const titled = posts.map(({ title, author, people }) => ({ title, author: numberOf(author), people }));
  const terms = new Set(topics.flatMap((topic) => topic.terms.map((term) => term.toLowerCase())));
  const book = new Phrasebook(titled, terms);
  const texts = posts.map(({ title }) => distinctWordsOf({ title, tags: [] }));
  // all words count here: a copy may differ in a rare or a common word
  const titles = new TitleIndex(texts, 1);
  for (const text of texts) titles.add(text);

  const found = new Map<string, { title: string; points: string[]; subject: string }>();
  const contexts = posts.map(({ title, tags, topicId }) => ({ terms: book.subjectsOf(title), tags, topicId }));
  const vectors = posts.some(({ components }) => components)
    ? new TermVectors(
        contexts.map(({ terms }, i) => [...new Set([...terms, ...texts[i]])]),
        posts.map(({ components }) => components),
      )
    : undefined;
  const coherence = new Coherence(book, contexts, vectors);
  // excludes newcomers on probation: fake accounts could otherwise put words into everyone's ideas
  const tried = posts
    .map((post, i) => ({ ...post, terms: contexts[i].terms, author: numberOf(post.author) }))
    .filter(({ isOfNewcomer }) => !isOfNewcomer);
  const spoken = new SubjectPosts(book, tried);
  for (const { title, term } of newTitles(book, coherence))
    if (!found.has(title.toLowerCase()) && isNew(title, titles))
      found.set(title.toLowerCase(), { title, points: [], subject: term.toLowerCase() });
  const written = [...found.values()]
    .map((each) => ({ each, promise: forecaster.promise(each.title) }))
    .sort((a, b) => b.promise - a.promise)
    .slice(0, titlesAtMost)
    .map(({ each }) => each);

  const named = new Map<string, number>();
  const placeOf = ({ id }: IdeaPost) => {
    const place = named.get(id) ?? named.size;
    named.set(id, place);
    return place;
  };
  const recent = posts.filter(({ createdAt }) => createdAt > now - lately);
  const needs = findNeeds(recent, topics, now).map((need) => ({ ...need, posts: need.posts.map(placeOf) }));
  const all = sharesOf(settled, { views: 1, votes: 1, comments: 1 }, 0);
  const ideas = await worked(written, "community");
  return {
    pool: {
      named: [...named.keys()],
      ideas,
      needs,
      topics,
      blend: forecaster.blend,
      level: { ...forecaster.level },
      lately: latelyOf(posts, now),
      posts: posts.length,
    },
    ideaOf: async (given, writer) =>
      await worked(
        given
          .filter(({ title }) => isNew(title, titles) && coherence.isCoherent(title))
          .map((each) => ({ ...each, subject: each.title.toLowerCase() })),
        writer,
      ),
    titlesOf: (topicId) =>
      posts
        .filter((post) => topicId === null || post.topicId === topicId)
        .sort((a, b) => b.people - a.people)
        .map(({ title }) => title),
    isKnownName: (word) => book.isKnown(word),
  };

  async function worked(
    given: { title: string; points: string[]; subject: string }[],
    writer: Writer,
  ): Promise<Idea[]> {
    const said = given.map(({ title, subject }) => {
      const subjects = book.subjectsOf(title);
      const about = writer === "community" ? subject : (spoken.rarestOf(subjects) ?? subject);
      return { title, tags: spoken.tagsOf(about), about, subjects, vector: vectors?.mean(subjects) ?? null };
    });
    const embedded = tower ? await embed(tower, said) : [];
    return given.map(({ title, points, subject }, i) => {
      const { tags, about, subjects } = said[i];
      const post = { title, tags, author: null };
      const near = forecaster.nearest(post, neighbours).map(({ text }) => settled[text]);
      const vector = embedded[i] ? Array.from(embedded[i], rounded) : null;
      const fitting = points.filter((point) => spoken.isOf(title, point));
      const topicId = spoken.topicOf(about);
      return {
        title,
        points: fitting.length > 0 ? fitting : spoken.pointsOf(about, title),
        tags,
        // ideas of a language model are made after `named` is complete
        from: writer === "community" ? comesFrom(title, subject).map(placeOf) : [],
        subject,
        // a language model's idea shares its form with no other, so its whole title is the subject
        subjects: writer === "model" ? [subject] : [...new Set([subject, ...subjects])],
        form: subjects.reduce((form, each) => form.replace(each, "_"), title.toLowerCase()),
        writer,
        parts: forecaster.parts(post),
        shares: sharesOf(near, all, priorPosts),
        vector,
        topic: topics.find(({ id }) => id === topicId) ?? (vector && nearestTopic(vector, topics)),
      };
    });
  }

  /** The posts with the nearest titles, of those with the new subject, or of all if there are none. Each title once. */
  function comesFrom(title: string, subject: string): IdeaPost[] {
    const near = titles.nearest(distinctWordsOf({ title, tags: [] }), nearestLookedAt).map(({ text }) => text);
    const own = near.filter((place) => contexts[place].terms.includes(subject));
    const byTitle = new Map<string, IdeaPost>();
    for (const place of own.length > 0 ? own : near) {
      const post = posts[place];
      const key = post.title.toLowerCase();
      if (!byTitle.has(key)) byTitle.set(key, post);
    }
    return [...byTitle.values()].slice(0, fromAtMost);
  }
}

/** Embeds titles with the post tower; null where it fails, so that only the audience orders the idea. */
async function embed(
  tower: InferenceSession,
  titles: { title: string; tags: string[]; vector: Components }[],
): Promise<(Float32Array | null)[]> {
  const posts = titles.map((said) => postTextInput({ ...said, description: "" }));
  const vectors = await towerVectors(tower, posts, postTowerInputs);
  return vectors.map((vector) => (vector instanceof Error ? null : vector));
}

/** Rounds to four digits, to keep the stored pool small. */
function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

function nearestTopic(vector: number[], topics: IdeaTopic[]): IdeaTopic | null {
  let [best, highest]: [IdeaTopic | null, number] = [null, Number.NEGATIVE_INFINITY];
  for (const topic of topics) {
    const similarity = innerProduct(vector, 0, topic.centroid, 0, dimensions);
    if (similarity > highest) [best, highest] = [topic, similarity];
  }
  return best;
}

/** Shares of the posts' people who viewed, voted and commented, smoothed towards `prior`. */
function sharesOf(posts: IdeaPost[], prior: Idea["shares"], priorCount: number): Idea["shares"] {
  const people = posts.reduce((sum, each) => sum + each.people, 0);
  const share = (of: "viewers" | "voters" | "commenters", before: number) => {
    const count = posts.reduce((sum, each) => sum + each[of], 0);
    return people + priorCount > 0 ? (count + priorCount * before) / (people + priorCount) : 0;
  };
  return {
    views: share("viewers", prior.views),
    votes: share("voters", prior.votes),
    comments: share("commenters", prior.comments),
  };
}

function latelyOf(posts: IdeaPost[], now: number): IdeaPool["lately"] {
  const found: IdeaPool["lately"] = {};
  for (const { topicId, createdAt, commenters } of posts) {
    if (topicId === null || createdAt < now - lately) continue;
    found[topicId] ??= { posts: 0, unanswered: 0 };
    const topic = found[topicId];
    topic.posts++;
    if (commenters === 0) topic.unanswered++;
  }
  return found;
}
