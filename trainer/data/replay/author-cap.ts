/** The share of an author in a source: what is beyond it comes after all others', as recsys_engine.cap_per_author has it. */

/** How many posts are looked at for each that a source brings. */
export const overfetchFactor = 20;

interface Shared {
  posts: number[];
  /** Whether there are as many as the source brings without any that are beyond a share. */
  isFull: boolean;
}

/**
 * The first `size` of some posts, with at most `maxPerAuthor` of each author first. `authors`: by post, −1: unknown,
 * no author.
 */
export function authorCappedPosts(
  posts: Iterable<number>,
  authors: ArrayLike<number>,
  { size, maxPerAuthor }: { size: number; maxPerAuthor: number },
): Shared {
  const within: number[] = [];
  const beyond: number[] = [];
  const ofAuthor = new Map<number, number>();
  let looked = 0;
  for (const post of posts) {
    if (within.length === size || looked++ === overfetchFactor * size) break;
    const author = authors[post];
    const number = (ofAuthor.get(author) ?? 0) + 1;
    ofAuthor.set(author, number);
    (author >= 0 && number > maxPerAuthor ? beyond : within).push(post);
  }
  return { posts: [...within, ...beyond].slice(0, size), isFull: within.length === size };
}
