import type { PostRecord } from "../../../db/bundle/records.ts";
import { communityStart, dayLength, timeOfDay } from "./calendar.ts";
import { pick, pickSome, pickWeighted, stream } from "./draws.ts";
import type { Person } from "./people.ts";
import { facets, phrases, topicOf, topics } from "./topics.ts";

/** A post of the synthetic community: who wrote it when, and what makes it liked. */
export interface Writing {
  id: string;
  /** Number of the author among the people. */
  author: number;
  createdAt: number;
  /** What it is about, and what else it mentions; the same facet where it keeps to one. */
  facet: number;
  second: number;
  isQuestion: boolean;
  /** Normally distributed: what everybody sees in it, whatever their taste. */
  quality: number;
}

/** The posts of a seed in order of time. People write about what they like, at their hours, after they signed up. */
export function createWritings(seed: number, count: number, days: number, people: Person[]): Writing[] {
  const random = stream(seed, "posts");
  const start = communityStart(days);
  const authorship = new Float64Array(people.length);
  let total = 0;
  for (const [i, person] of people.entries()) authorship[i] = total += person.isCold ? 0 : person.rate * person.writing;
  const drawAuthor = (before: number): number => {
    for (let attempt = 0; attempt < 1000; attempt++) {
      const author = firstAbove(authorship, random.uniform() * total);
      if (people[author].createdAt < before) return author;
    }
    // a community of a handful: the earliest member
    return people.reduce((first, person, i) => (person.createdAt < people[first].createdAt ? i : first), 0);
  };
  const writings = Array.from({ length: count }, () => {
    const day = start + random.below(days) * dayLength;
    const author = drawAuthor(day);
    const tastes = people[author].tastes.map((taste) => taste ** 2);
    const facet = pickWeighted(random, tastes);
    return {
      id: "",
      author,
      createdAt: day + timeOfDay(people[author].hour, random.normal()),
      facet,
      second: random.uniform() < 0.2 ? pickWeighted(random, tastes) : facet,
      isQuestion: random.uniform() < 0.45,
      quality: random.normal(),
    };
  });
  writings.sort((a, b) => a.createdAt - b.createdAt);
  for (const [i, writing] of writings.entries()) writing.id = `post-${i + 1}`;
  return writings;
}

/** The first index of an ascending array whose value is above `value`. */
function firstAbove(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The text of a post, made of the words of its facets. */
export function postRecordOf(seed: number, writing: Writing, author: Person): PostRecord {
  const random = stream(seed, writing.id);
  const fill = (template: string) => {
    const [a, b] = pickSome(random, facets[writing.facet].terms, 2);
    const other = writing.second === writing.facet ? b : pick(random, facets[writing.second].terms);
    const filled = template
      .replace("{a}", a)
      .replace("{b}", other)
      .replace("{goal}", pick(random, facets[writing.facet].projects))
      .replace("{n}", String(2 + random.below(19)));
    return filled[0].toUpperCase() + filled.slice(1);
  };
  const title = fill(pick(random, writing.isQuestion ? phrases.questionTitles : phrases.storyTitles));
  const description = pickSome(random, phrases.sentences, 2 + random.below(3))
    .map(fill)
    .join(" ");
  const tags = [topics[topicOf[writing.facet]].name];
  if (random.uniform() < 0.7) tags.push(facets[writing.facet].tag);
  const created_at = new Date(writing.createdAt).toISOString();
  return { id: writing.id, author_id: author.id, title, description, tags, created_at };
}
