/**
 * Categorical inputs of the ranker: each has its own stretch of one embedding table. The author's id is not among them:
 * with it the ranker learns its window by heart (travel-se, a later quarter: MRR .398 with it, .410 without).
 */
import { hour } from "./hours.ts";
import { type Kind, kinds } from "./kinds.ts";

interface Category<Of> {
  name: string;
  /** Rows of the table. */
  size: number;
  /** A count falls into one of this many buckets per doubling of 1 + count, the rest into the last; default: the count itself. */
  bucketsPerDoubling?: number;
  /** The count; not in the feature spec, as no formula is. */
  of(what: Of): number;
}

/** What the categories of a request are made of. */
interface RequestMoment {
  loginFrequency: number;
  now: number;
}

/** What the categories of a post are made of; as in `PostState`. */
interface CountedPost {
  kind: Kind | null;
  views: number;
  comments: number;
}

/** Those that are the same for all candidates of a request. */
const ofRequest: Category<RequestMoment>[] = [
  { name: "hour", size: 24, of: ({ now }) => hourOfDay(now) },
  { name: "login_bucket", size: 16, bucketsPerDoubling: 4, of: ({ loginFrequency }) => loginFrequency },
];
const ofPost: Category<CountedPost>[] = [
  {
    name: "last_activity",
    size: 4,
    of: ({ kind }) => (kind === null ? 0 : 1 + kinds.indexOf(kind)),
  },
  { name: "views_bucket", size: 16, bucketsPerDoubling: 2, of: ({ views }) => views },
  { name: "comments_bucket", size: 16, of: ({ comments }) => comments },
];

/** In the order of the ranker's input; the first `requestCategories` are the same for all candidates of a request. */
export const categories: Omit<Category<never>, "of">[] = [...ofRequest, ...ofPost];
export const requestCategories = ofRequest.length;
export const categoryRows = categories.reduce((sum, { size }) => sum + size, 0);
/** Where the rows of each category begin in the table. */
export const categoryStarts = categories.map((_, c) => categories.slice(0, c).reduce((sum, { size }) => sum + size, 0));

/** The rows in the table of the categories that all candidates of a request share, in their order. */
export function requestCategoryRow(loginFrequency: number, now: number): number[] {
  return ofRequest.map((category, c) => categoryStarts[c] + bucket(category, category.of({ loginFrequency, now })));
}

/** The rows in the table of a post's own categories, which follow those of the request. */
export function postCategoryRow(post: CountedPost): number[] {
  return ofPost.map((category, c) => categoryStarts[requestCategories + c] + bucket(category, category.of(post)));
}

function bucket(
  { size, bucketsPerDoubling }: Pick<Category<never>, "size" | "bucketsPerDoubling">,
  count: number,
): number {
  const bucketed = bucketsPerDoubling === undefined ? count : Math.floor(bucketsPerDoubling * Math.log2(1 + count));
  return Math.min(size - 1, bucketed);
}

/**
 * Whole hours (UTC): where a community rounds the times of votes to the day (travel-se: 66 to 82 % of the votes), midnight
 * to the millisecond would give them away in training, and no feed is asked for at that very instant.
 */
export function hourOfDay(now: number): number {
  return Math.floor(now / hour) % 24;
}
