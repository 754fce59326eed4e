/** Hooks for React 18 and later, and for Preact by its alias: a feed that goes on as one scrolls, what is new since, what was seen of it, and votes. */
export type { ShownItem } from "./feed-pages.ts";
export { type FeedPages, useFeed } from "./use-feed.ts";
export { useNewPosts } from "./use-new-posts.ts";
export { useSeen } from "./use-seen.ts";
export { useVotes, type Vote, type Votes } from "./use-votes.ts";
