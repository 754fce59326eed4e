import type { Feed, Reason } from "../../client/src/index.ts";
import { isolated } from "../shared/isolated.ts";
import { listed } from "./actions.ts";

/** A reason in a sentence. `basis`: what the feed is made from; `names`: of people, by id. */
export function sayWhy(why: Reason, basis: Feed["basis"], names: Names): string {
  const nameOf = (id: string) => isolated(names.get(id) ?? "somebody");
  switch (why.kind) {
    case "like_your_history":
      return `Like “${isolated(why.title)}”, which you know`;
    case "follows_author":
      return `By ${nameOf(why.author_id)}, whom you follow`;
    case "follows_topic":
      return `About “${isolated(why.topic)}”, which you follow`;
    case "touched": {
      const known = why.people.filter((id) => names.has(id)).map(nameOf);
      if (known.length === 0) return "People you follow were active here";
      return `${listed(known)}, whom you follow, ${known.length === 1 ? "was" : "were"} active here`;
    }
    case "covisited":
      return "People who read the same posts as you read this one, too";
    case "followed_author":
      return `By ${nameOf(why.author_id)}, whose posts you often open`;
    case "shared_terms":
      return `About ${listed(why.terms.map((term) => `“${isolated(term)}”`))}, as in posts that you know`;
    case "exploration":
      return "Brand new: few people have been shown it so far";
    case "similar":
      if (basis === "followees") return "Close to what people you follow care about";
      return basis === "community" ? "Close to what people here care about" : "Close to what you care about";
    case "trending":
      return "Trending: a lot is happening here right now";
    case "popular":
      return "Popular: many people read it lately";
    case "active":
      return "Active: people were here lately";
    case "fresh":
      return "Just written";
    case "promoted":
      return "Put here by those who run this community";
    // there may be others later
    default:
      return "Picked for you";
  }
}

export type Names = ReadonlyMap<string, string>;

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["week", 7 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const format = new Intl.RelativeTimeFormat("en");

/** How long ago something was, such as "3 hours ago", in the largest unit of which there is a whole one. */
export function sayAge(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  for (const [unit, length] of units) if (seconds >= length) return format.format(-Math.floor(seconds / length), unit);
  return "just now";
}
