/** An author's share of a source, where more was found than it brings (recsys_engine.cap_per_author is the same where it is asked for all at once). */
import { countOccurrence } from "../../features/count-occurrence.ts";

/** What of a source was found where there may be more. */
export interface SourceTruncation<Author = string> {
  /** Authors of whom twice their share or more was found: there may be more. */
  authors: Author[];
  /** Such authors none of whose posts here a stranger may read. There may be more for readers of one of their posts. */
  closed?: Author[];
  /**
   * The place, from 0, in what was found, before which nothing beyond twice a share is missing; −1: as much is
   * within as was found.
   */
  beyondTo: number;
}

/** Of a source that found as many posts as it looks for, in its order; their authors (null: unknown). */
export function truncationOf(authors: (string | null)[], share: number): SourceTruncation {
  const counts = new Map<string, number>();
  const beyondTo = authors
    .map((author) => countOccurrence(counts, author))
    .findLastIndex((number) => number > 2 * share);
  return { authors: [...counts].flatMap(([author, number]) => (number >= 2 * share ? [author] : [])), beyondTo };
}

/**
 * The places of the first `most` posts that a source returns, the best first, with at most `share` of an author before all others'; null:
 * posts that were not found may be among them. `counts`: posts of an author returned before; `hidden`: authors of hidden posts.
 */
export function capPerAuthor<Author = string>(
  shown: number[],
  authorOf: (place: number) => Author | null,
  {
    most,
    share,
    cut,
    counts = new Map(),
  }: { most: number; share: number; cut: SourceTruncation<Author> | undefined; counts?: Map<Author, number> },
  hidden: Set<Author | undefined>,
): number[] | null {
  const [within, beyond]: [number[], number[]] = [[], []];
  for (const place of shown) (countOccurrence(counts, authorOf(place)) <= share ? within : beyond).push(place);
  const left = most - within.length;
  if (cut && left > 0 && !(beyond.length >= left && beyond[left - 1] <= cut.beyondTo)) return null;
  for (const author of cut?.authors ?? []) if ((counts.get(author) ?? 0) < share && !hidden.has(author)) return null;
  // otherwise 20 private posts of one account would make every feed query all sources
  for (const author of cut?.closed ?? []) {
    const count = counts.get(author) ?? 0;
    if (count > 0 && count < share && !hidden.has(author)) return null;
  }
  return [...within, ...beyond].slice(0, most);
}
