/** A dismissal that can be seen to work: what is like the dismissed post comes less at once, and not only after a training. */
import { counted } from "./count-author.ts";

/** What somebody dismissed lately. */
export interface Dismissed {
  author_id: string | null;
  tags: string[] | null;
}

/**
 * What the scores of a dismissed post's author keep, and those of its tags with each dismissal, a quarter at least. An author's half cost .6 % of
 * what pages earn (bench/dismissals.ts), since whoever wrote one dull post may write a good one.
 */
const [ofAuthor, ofTag, least] = [0.8, 0.9, 0.25];

/** What the score of a post is multiplied by, of whose author and tags its reader dismissed these. */
export function dismissalFactor(dismissed: Dismissed[]): (post: Dismissed) => number {
  const authors = new Set(dismissed.map(({ author_id }) => author_id));
  const times = new Map<string, number>();
  for (const { tags } of dismissed) for (const tag of tags ?? []) counted(times, tag);
  return ({ author_id, tags }) => {
    let most = 0;
    if (times.size > 0) for (const tag of tags ?? []) most = Math.max(most, times.get(tag) ?? 0);
    return (author_id !== null && authors.has(author_id) ? ofAuthor : 1) * Math.max(least, ofTag ** most);
  };
}
