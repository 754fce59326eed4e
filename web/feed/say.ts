import type { Feed, Reason } from "../../client/src/index.ts";
import { isolated } from "../shared/isolated.ts";
import { listed } from "./acts.ts";
import type { AppPost } from "./app-tables.ts";

/** A reason in a sentence. `basis`: what the feed is made from. */
export function sayWhy(why: Reason, basis: Feed["basis"], posts: ReadonlyMap<string, AppPost>): string {
  switch (why.kind) {
    case "like_your_history":
      return `Like “${isolated(why.title)}”, which you know`;
    case "follows_author":
      return `By ${authorName(why.author_id, posts)}, whom you follow`;
    case "follows_topic":
      return `About “${isolated(why.topic)}”, which you follow`;
    case "touched":
      return "People whom you follow were there";
    case "covisited":
      return "Who came to what you came to also came to this";
    case "followed_author":
      return `By ${authorName(why.author_id, posts)}, whose posts you often open`;
    case "shared_terms":
      return `About ${listed(why.terms.map((term) => `“${isolated(term)}”`))}, as in posts that you know`;
    case "exploration":
      return "Brand new: few people have been shown it so far";
    case "similar":
      return basis === "community" ? "Close to what people here care about" : "Close to what you care about";
    case "trending":
      return "Trending: much is going on there right now";
    case "active":
      return "Active: people were there lately";
    case "fresh":
      return "Just written";
    case "promoted":
      return "Put here by those who run this community";
    // there may be others later
    default:
      return "Picked for you";
  }
}

function authorName(id: string, posts: ReadonlyMap<string, AppPost>): string {
  for (const post of posts.values()) if (post.author_id === id) return isolated(post.author);
  return "somebody";
}

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
