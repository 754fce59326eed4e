/**
 * Interleaves people and topics in the source `followed`, so that neither a busy topic
 * nor prolific users crowd out others.
 */
import { sources } from "./retrieval.ts";

/**
 * Interleaves the posts of `people` (followees and favourite authors) with those of followed topics, up to the source's
 * size. Each topic takes turns too, and authors are capped. `authorOf` returns null for an unknown, uncapped author.
 */
export function interleaveTopics<Post>(people: Post[], topics: Post[][], authorOf: (post: Post) => unknown): Post[] {
  if (topics.length === 0) return people;
  const { size, maxPerAuthor } = sources.followed;
  const counts = new Map<unknown, number>();
  const [within, beyond]: [Post[], Post[]] = [[], []];
  for (const post of byTurns([people, byTurns(topics)])) {
    const author = authorOf(post);
    const number = (counts.get(author) ?? 0) + 1;
    counts.set(author, number);
    (author !== null && number > maxPerAuthor ? beyond : within).push(post);
  }
  return [...within, ...beyond].slice(0, size);
}

/** The first of each list, then the second of each; each post once. */
function byTurns<Post>(lists: Post[][]): Post[] {
  const longest = Math.max(...lists.map(({ length }) => length));
  const turns = Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1)));
  return [...new Set(turns.flat())];
}
