/** A dismissal that can be seen to work: what is like the dismissed post comes less at once, and not only after a training. */

/** What a post is known by here. */
export interface DismissalTarget {
  author_id: string | null;
  tags: string[] | null;
}

/** A recent dismissal of a user. */
export interface RecentDismissal extends DismissalTarget {
  /** How many days ago. */
  days: number;
}

/**
 * The factors for a dismissed post's author and tags (for each dismissal), and their least; each day takes a root. Within a day a page has half as
 * much of the topic and hardly anything of the author, for 0.3 % of the pages' worth (bench/dismissals.ts); lasting factors cost 1.4 %.
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
