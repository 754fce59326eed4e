/** What a forecast of an audience may know of a post: what its author knew when they wrote it. */
export interface WrittenPost {
  title: string;
  tags: string[];
  /** Any value that is the same for posts of one author; null: nobody who is known. */
  author: string | number | null;
}

/** A post whose first week is over. */
export interface SettledPost extends WrittenPost {
  /** How many distinct people other than its author did something with it within 7 days. */
  people: number;
}

/** In which an audience is counted, milliseconds. */
export const audienceWindow = 7 * 24 * 3_600_000;
