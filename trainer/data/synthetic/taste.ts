import { sigmoid, stream } from "./draws.ts";
import type { Person } from "./people.ts";
import type { Writing } from "./writings.ts";

/*
 * The laws of the synthetic community. A person who looks at a post opens it with
 *   p(view) = σ(−2.8 + 4.4 taste + 0.5 quality ± style + warmth)
 * where warmth = 0.3 ln(1 + recent applause) − 0.4 ln(1 + age in days), then votes and comments with
 *   p(vote | view) = σ(−1.8 + 2.4 taste + 0.7 quality + voting)
 *   p(comment | view) = σ(−2.7 + 2 taste + 0.3 quality + talking + 0.6 if it asks)
 * and looks at position k with p(look) = k^−0.4.
 */

/** 0 to 1: how much the subject of a post is to a person's taste. */
export function affinity(person: Person, writing: Writing): number {
  return 0.75 * person.tastes[writing.facet] + 0.25 * person.tastes[writing.second];
}

/** p(view | looked at), with the warmth of the moment (0: a post of today without applause so far). */
export function viewProbability(person: Person, writing: Writing, warmth = 0): number {
  const style = writing.isQuestion ? person.style : -person.style;
  return sigmoid(-2.8 + 4.4 * affinity(person, writing) + 0.5 * writing.quality + style + warmth);
}

/** What the moment adds to a post: recent applause, minus age. */
export function warmthOf(applause: number, ageInDays: number): number {
  return 0.3 * Math.log1p(applause) - 0.4 * Math.log1p(ageInDays);
}

export function voteProbability(person: Person, writing: Writing): number {
  return sigmoid(-1.8 + 2.4 * affinity(person, writing) + 0.7 * writing.quality + person.voting);
}

export function commentProbability(person: Person, writing: Writing): number {
  const asks = writing.isQuestion ? 0.6 : 0;
  return sigmoid(-2.7 + 2 * affinity(person, writing) + 0.3 * writing.quality + person.talking + asks);
}

/** p(look) at a position, from 1. */
export function lookProbability(position: number): number {
  return position ** -0.4;
}

/** Expected utility of showing a post, by the weights of recsys.settings: 0.2 a view, 1 a vote, 1 a comment; `warmth` as for `viewProbability`. */
export function expectedUtility(person: Person, writing: Writing, warmth = 0): number {
  const reactions = voteProbability(person, writing) + commentProbability(person, writing);
  return viewProbability(person, writing, warmth) * (0.2 + reactions);
}

/*
 * Dismissals, which people of a synthetic community are asked for only where a ranker is to learn of them. Who looks at a post and does not open it
 * dismisses it with
 *   p(dismiss | looked at, not opened) = σ(−3 − 5 taste − 1.2 quality + fussiness)
 * so what is dismissed is what is worth little to them.
 */

export interface Dismissals {
  /** p(dismiss | looked at, not opened) */
  probability(user: number, person: Person, writing: Writing): number;
  /** Whether a user dismisses a post that they have looked at and not opened. */
  happens(user: number, person: Person, writing: Writing): boolean;
}

export function dismissalsOf(seed: number, people: number): Dismissals {
  const random = stream(seed, "dismissals");
  /** [people] Added to the logit. */
  const fussiness = Float64Array.from({ length: people }, () => 0.8 * random.normal());
  const probability = (user: number, person: Person, writing: Writing) =>
    sigmoid(-3 - 5 * affinity(person, writing) - 1.2 * writing.quality + fussiness[user]);
  return { probability, happens: (...who) => random.uniform() < probability(...who) };
}
