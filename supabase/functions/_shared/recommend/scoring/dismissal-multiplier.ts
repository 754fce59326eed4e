/** A dismissal that can be seen to work: what is like the dismissed post comes less at once, and not only after a training. */

/** What a post is known by here. */
export interface DismissalTarget {
  author_id: string | null;
  tags: string[] | null;
}

/** What somebody dismissed lately. */
export interface RecentDismissal extends DismissalTarget {
  /** How many days ago. */
  days: number;
}

/**
 * What the scores of a dismissed post's author keep, and those of its tags with each dismissal, a quarter at least. A day later it is the root of that,
 * and so on: within a day a page has half as much of its topic and hardly anything of its author, for .3 % of what pages earn over two weeks
 * (bench/dismissals.ts). As lasting, .5 and .7 cost 1.4 %, since whoever wrote one dull post may write a good one.
 */
const [ofAuthor, ofTag, least] = [0.2, 0.4, 0.25];

/** A tag as recsys_engine.post_tags has it. */
export const normalizeTag = (tag: string) => tag.toLowerCase().slice(0, 100);

/** What the score of a post is multiplied by, of whose author and tags its reader dismissed these. */
export function dismissalMultiplier(dismissed: RecentDismissal[]): (post: DismissalTarget) => number {
  const authors = new Map<string, number>();
  const times = new Map<string, number>();
  for (const { author_id, tags, days } of dismissed) {
    const weight = 0.5 ** days;
    if (author_id !== null) authors.set(author_id, Math.max(weight, authors.get(author_id) ?? 0));
    for (const tag of new Set(tags?.map(normalizeTag))) times.set(tag, weight + (times.get(tag) ?? 0));
  }
  return ({ author_id, tags }) => {
    let most = 0;
    if (times.size > 0) for (const tag of tags ?? []) most = Math.max(most, times.get(normalizeTag(tag)) ?? 0);
    const author = author_id === null ? 0 : (authors.get(author_id) ?? 0);
    return ofAuthor ** author * Math.max(least, ofTag ** most);
  };
}
