/** Turns in the source `followed`: of people, then of topics, so that neither a busy topic nor those who write most leave the other no place. */
import { sources } from "./retrieval.ts";

/**
 * The posts of `people` (those whom somebody follows, and whose posts they come to) and of the topics that they follow by turns, as many as the
 * source brings. Each topic has its turns, too, and an author their share of it all. `authorOf`: null: unknown, who is nobody.
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
