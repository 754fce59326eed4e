/** Everything that the default writer can say of a community at a time, with a forecast for each: made once for all who ask. */

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

/** Of more titles, those that the words alone promise most are worked out. */
const titlesAtMost = 600;
const neighbours = 30;
/** Posts that an idea names as its origin, and how many of its nearest these are chosen from. */
const [fromAtMost, nearestLookedAt] = [3, 200];
/** The prior of an audience: each of its shares among all posts counts as so many posts, in addition to those near by. */
const priorPosts = 10;
/** "Lately": the last 28 days, as demand and supply of topics. */
export const lately = 28 * 24 * 3_600_000;

/** As it is stored, but for `named`, which has a column of its own: nothing but data, and nobody is named in it. */
export interface IdeaPool {
  /** The ids of posts that ideas and needs name; null: one that was deleted since. */
  named: (string | null)[];
  ideas: Idea[];
  topics: IdeaTopic[];
  blend: Blend;
  /** What all posts get, on the scale of log(1 + people). */
  level: Level;
  /** What topics have to show: posts of the last 28 days, and those of them on which nobody else commented. */
  lately: Record<string, { posts: number; unanswered: number }>;
  /** What the community needs, the posts that show it by their place in `named`. */
  needs: (Omit<Need, "posts"> & { posts: number[] })[];
  /** How many posts it was made from. */
  posts: number;
}

/** What only the worker has that made the pool: the community's words, to judge titles from elsewhere by. */
export interface IdeaMaker {
  pool: IdeaPool;
  /** Makes ideas of titles and points from elsewhere, but for those of which there is a post already. */
  ideaOf(titles: { title: string; points: string[] }[], writer: Writer): Promise<Idea[]>;
  /** Titles of a topic, or of all (null), the most successful first: what a writer is shown. */
  titlesOf(topicId: number | null): string[];
  /** Whether several authors used a word in their titles. */
  isKnownName(word: string): boolean;
}

/** `tower`: the active model's post tower; null: none is active. */
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
  // a copy may differ in a rare word or in common ones: here all count
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
  // without posts of newcomers: accounts made for it could put their words into everybody's ideas
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
        // those of a language model come later than the list of posts that are named
        from: writer === "community" ? comesFrom(title, subject).map(placeOf) : [],
        subject,
        // a language model's idea is of no form that others share, so its subject is the whole of it
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

  /** The posts nearest to a title, among those whose titles name its new subject, or among all if none does. Each title once. */
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

/** By the words of titles and what is known of their terms. null: the tower gives a title no vector of use, and it is ordered by its audience alone. */
async function embed(
  tower: InferenceSession,
  titles: { title: string; tags: string[]; vector: Components }[],
): Promise<(Float32Array | null)[]> {
  const posts = titles.map((said) => postTextInput({ ...said, description: "" }));
  const vectors = await towerVectors(tower, posts, postTowerInputs);
  return vectors.map((vector) => (vector instanceof Error ? null : vector));
}

/** Four digits: more would be most of what is stored. */
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

/** Of some posts' people, which share viewed, voted and commented; drawn towards `prior` while they are few. */
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
