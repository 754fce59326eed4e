/**
 * Categorical inputs of the ranker; each has its own rows of one embedding table. The author's id is not among them:
 * with it the ranker overfits its training window.
 */
import { hour } from "./hours.ts";
import { type Kind, kinds } from "./kinds.ts";

interface Category<Of> {
  name: string;
  /** Number of rows in the table. */
  size: number;
  /** Buckets per doubling of 1 + count, higher counts in the last; by default the count itself is the bucket. */
  bucketsPerDoubling?: number;
  /** The count; not in the feature spec, because it is a function. */
  of(what: Of): number;
}

/** What the categories of a request depend on. */
interface RequestMoment {
  loginFrequency: number;
  now: number;
}

/** What the categories of a post depend on, as in `PostState`. */
interface CountedPost {
  kind: Kind | null;
  views: number;
  comments: number;
}

/** Categories that all candidates of a request share. */
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

/** In the order of the ranker's input; the first `requestCategories` are shared by all candidates of a request. */
export const categories: Omit<Category<never>, "of">[] = [...ofRequest, ...ofPost];
export const requestCategories = ofRequest.length;
export const categoryRows = categories.reduce((sum, { size }) => sum + size, 0);
/** First row of each category in the table. */
export const categoryStarts = categories.map((_, c) => categories.slice(0, c).reduce((sum, { size }) => sum + size, 0));

/** Table rows of the categories that all candidates of a request share, in order. */
export function requestCategoryRow(loginFrequency: number, now: number): number[] {
  return ofRequest.map((category, c) => categoryStarts[c] + bucket(category, category.of({ loginFrequency, now })));
}

/** Table rows of a post's own categories, which follow those of the request. */
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
 * Hour of the day (UTC). Whole hours, because some communities round vote times to the day: exact
 * midnight would reveal votes in training.
 */
export function hourOfDay(now: number): number {
  return Math.floor(now / hour) % 24;
}
