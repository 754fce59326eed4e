/** The input of a forecast: what is known when a post is written. */
export interface WrittenPost {
  title: string;
  tags: string[];
  /** Any value that identifies the author; null if unknown. */
  author: string | number | null;
}

/** A post whose first week is over. */
export interface SettledPost extends WrittenPost {
  /** Distinct users other than its author who interacted with it within 7 days. */
  people: number;
}

/** Period in which an audience is counted, in milliseconds. */
export const audienceWindow = 7 * 24 * 3_600_000;
