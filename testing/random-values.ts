/** For tests: random words, titles, topics, vectors and filters of a small community. */
import { dimensions } from "../supabase/functions/_shared/features/history.ts";
import type { FeedFilter } from "../supabase/functions/_shared/recommend/request/feed-filter.ts";
import type { Random } from "../trainer/models/nn/random.ts";

export const pick = <T>(random: Random, values: readonly T[]): T => values[random.below(values.length)] as T;
export const some = <T>(random: Random, values: readonly T[], most: number): T[] =>
  Array.from({ length: random.below(most + 1) }, () => pick(random, values));

export const tags = ["SQL", "sql", "Deno", "c++", "a b", "{x,y}", 'say "no"', "über", "rare", "NULL", "back\\slash"];
export const words = [
  "chess",
  "Chess",
  "rook",
  "node.js",
  "c++",
  "a|b",
  ".*",
  "(open",
  "[set",
  "back\\slash",
  "50%",
  "x_y",
  "über",
  "end$",
  "two words",
];
export const mutedWords = [
  ...words,
  "ook",
  "node",
  "c",
  ".",
  "|",
  "\\",
  "two  words",
  "words",
  "(?i)",
  "***=",
  "hess",
  "y",
  "+",
];
/** What may stand anywhere in a title or description. */
export const mutedParts = ["oo", "ST 1", "a.exa", "%", "_", "\\", "See ", "ÜBE", "o w"];
/** A mute of a word or a text, by its length: short ones would hide nearly all as texts. */
export function anyMute(random: Random): [kind: string, value: string] {
  const value = pick(random, mutedWords);
  const kinds = ["word", "title_contains", "contains"];
  return [value.length < 3 ? "word" : (kinds[value.length % 3] as string), value];
}

/** Of the last few write: these are small groups. */
export const languages = [...Array(6).fill(["en", "en", "de", "pt-br", null]).flat(), "eu", "fi"] as (string | null)[];

/** A number from 0 that goes with an id: what is drawn so leaves all that is drawn after it as it was. */
function ofId(id: string, below: number): number {
  return Number(id.slice(-12)) % below;
}

/** A title in another person's spelling, often with only its first two words: others have the same then. */
export function anySpelling(id: string, title: string): string {
  const short = /^\w+ \d+/.exec(title)?.[0] ?? title;
  return [title, title, short, short.replace("post", "Post"), `${short}!`][ofId(id, 5)];
}

/** A text; each seventh is about the link that it begins with: posts of one link are one conversation. */
export function anyText(id: string): string {
  if (ofId(id, 7) > 0) return ["", "See https://a.example/1"][ofId(id, 2)];
  return `${["", "\n "][ofId(id, 2)]}https://a.example/${ofId(id, 31)}${["", " Worth it"][ofId(id, 3)] ?? "\nReally"}`;
}

/** Random, of length 1. */
export function unitVector(random: Random): number[] {
  const vector = Array.from({ length: dimensions }, () => random.normal());
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** Any filter, mostly none. */
export function anyFilter(random: Random, people: string[]): FeedFilter | null {
  return random.below(3) > 0 ? null : someFilter(random, people);
}

/** What is asked of each post; null: nothing. */
export function someFilter(random: Random, people: string[]): FeedFilter | null {
  const filter: FeedFilter = {};
  if (random.below(2) === 0) filter.tags = [pick(random, tags), ...some(random, tags, 2)];
  if (random.below(4) === 0) filter.author_ids = [pick(random, people), ...some(random, people, 3)];
  if (random.below(3) === 0) filter.max_age_days = 1 + random.below(60);
  if (random.below(3) === 0) filter.languages = [pick(random, ["en", "de", "pt-br", "fr", "eu"])];
  return Object.keys(filter).length > 0 ? filter : null;
}
