import type { UserRecord } from "../../../db/bundle/records.ts";
import type { Random } from "../../models/nn/random.ts";
import { communityEnd, communityStart, dayLength } from "./calendar.ts";
import { pick, pickSome, pickWeighted, stream } from "./draws.ts";
import { facets, phrases, topicOf, topics } from "./topics.ts";

/** A person of the synthetic community: their taste, and how they use the app. */
export interface Person {
  id: string;
  createdAt: number;
  /** What they call their passions, strongest first: facet numbers. */
  passions: number[];
  /** [facets] 0 to 1: how much a facet is to their taste. */
  tastes: Float32Array;
  /** Above 0: likes questions; below: likes stories. */
  style: number;
  /** Visits per day. */
  rate: number;
  /** Leaning to vote and to comment, added to the logit. */
  voting: number;
  talking: number;
  /** Leaning to write posts, a factor. */
  writing: number;
  /** Favourite hour of the day. */
  hour: number;
  /** Signed up on the last day and has done nothing yet. */
  isCold: boolean;
}

/** The people of a seed. The last twentieth signed up on the last day: a profile and no history. */
export function createPeople(seed: number, count: number, days: number): Person[] {
  const random = stream(seed, "people");
  const cold = Math.max(1, Math.round(count / 20));
  const start = communityStart(days);
  return Array.from({ length: count }, (_, i) => {
    const isCold = i >= count - cold;
    const passions = createPassions(random);
    return {
      id: `user-${i + 1}`,
      createdAt: Math.floor(isCold ? communityEnd - random.uniform() * dayLength : signUp(random, start, days)),
      passions,
      tastes: createTastes(random, passions),
      style: random.normal() * 0.6,
      rate: Math.min(4, 0.3 * Math.exp(0.9 * random.normal())),
      voting: 0.7 * random.normal(),
      talking: random.normal(),
      writing: Math.exp(random.normal()),
      hour: 12 + random.uniform() * 10,
      isCold,
    };
  });
}

/** Six in ten were there before; the others join while the simulation runs. */
function signUp(random: Random, start: number, days: number): number {
  return random.uniform() < 0.6
    ? start - random.uniform() * 365 * dayLength
    : start + random.uniform() * (days - 1) * dayLength;
}

/** One to three facets. Topics are not equally loved, and a second passion often lies near the first. */
function createPassions(random: Random): number[] {
  const popularity = topics.map((_, topic) => 1 / (topic + 4));
  const passions = [facetOf(random, pickWeighted(random, popularity))];
  const count = 1 + random.below(3);
  while (passions.length < count) {
    const near = random.uniform() < 0.4;
    const topic = near ? pick(random, topics[topicOf[passions[0]]].related) : pickWeighted(random, popularity);
    const facet = facetOf(random, topic);
    if (!passions.includes(facet)) passions.push(facet);
  }
  return passions;
}

function facetOf(random: Random, topic: number): number {
  return topicOf.indexOf(topic) + random.below(topics[topic].facets.length);
}

function createTastes(random: Random, passions: number[]): Float32Array {
  const tastes = Float32Array.from(facets, () => 0.06 * random.uniform());
  const raise = (facet: number, to: number) => {
    tastes[facet] = Math.max(tastes[facet], to);
  };
  for (const [rank, passion] of passions.entries()) {
    const strength = 1 - 0.2 * rank;
    raise(passion, strength);
    for (let facet = 0; facet < facets.length; facet++) {
      if (topicOf[facet] === topicOf[passion]) raise(facet, 0.35 * strength * (0.5 + random.uniform()));
      if (topics[topicOf[passion]].related.includes(topicOf[facet])) raise(facet, 0.15 * strength * random.uniform());
    }
  }
  return tastes;
}

/** What a person wrote about themselves. One in twenty says nothing of use. */
export function profileOf(seed: number, person: Person): UserRecord {
  const random = stream(seed, person.id);
  const record = { id: person.id, created_at: new Date(person.createdAt).toISOString() };
  const silent = random.uniform() < 0.05;
  const fill = (template: string) =>
    template
      .replace("{job}", pick(random, phrases.jobs))
      .replace("{place}", pick(random, phrases.places))
      .replace("{passion}", pick(random, facets[person.passions[0]].passions))
      .replace("{term}", pick(random, facets[pick(random, person.passions)].terms));
  if (silent) return { ...record, passions: [], projects: [], bio: fill(pick(random, phrases.silentBios)) };
  const passions = person.passions.flatMap((facet) => pickSome(random, facets[facet].passions, 1 + random.below(2)));
  const projects = person.passions.flatMap((facet) => pickSome(random, facets[facet].projects, random.below(2)));
  return { ...record, passions, projects, bio: fill(pick(random, phrases.bios)) };
}
