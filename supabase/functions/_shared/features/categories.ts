/**
 * Categorical inputs of the ranker: each has its own stretch of one embedding table. The author's id is not among them:
 * with it the ranker learns its window by heart (travel-se, a later quarter: MRR .398 with it, .410 without).
 */
import { hour } from "./hours.ts";
import { type Kind, kinds } from "./kinds.ts";

interface Category {
  name: string;
  /** Rows of the table. */
  size: number;
  /** A count falls into one of this many buckets per doubling of 1 + count, the rest into the last; default: the count itself. */
  bucketsPerDoubling?: number;
}

const hourOfTheDay: Category = { name: "hour", size: 24 };
const loginBucket: Category = { name: "login_bucket", size: 16, bucketsPerDoubling: 4 };
const lastActivity: Category = { name: "last_activity", size: 8 };
const viewsBucket: Category = { name: "views_bucket", size: 16, bucketsPerDoubling: 2 };
const commentsBucket: Category = { name: "comments_bucket", size: 16 };

/** In the order of the ranker's input; the first `requestCategories` are the same for all candidates of a request. */
export const categories = [hourOfTheDay, loginBucket, lastActivity, viewsBucket, commentsBucket];
export const requestCategories = 2;
export const categoryRows = categories.reduce((sum, { size }) => sum + size, 0);
/** Where the rows of each category begin in the table. */
export const categoryStarts = categories.map((_, c) => categories.slice(0, c).reduce((sum, { size }) => sum + size, 0));

/** What the categories are made of. */
interface Counted {
  kind: Kind | null;
  by_author: boolean;
  views: number;
  comments: number;
}

/** The rows in the table of the categories that all candidates of a request share, in their order. */
export function requestCategoryRow(loginFrequency: number, now: number): number[] {
  return [hourOfDay(now), hourOfTheDay.size + bucket(loginBucket, loginFrequency)];
}

/** The rows in the table of a post's own categories, which follow those of the request. */
export function postCategoryRow(post: Counted): number[] {
  const kind = post.kind === null ? 0 : 1 + kinds.indexOf(post.kind);
  const ofViews = firstOfPost + lastActivity.size;
  return [
    firstOfPost + kind * 2 + (post.by_author ? 1 : 0),
    ofViews + bucket(viewsBucket, post.views),
    ofViews + viewsBucket.size + bucket(commentsBucket, post.comments),
  ];
}

/** Where the rows of a post's categories begin. */
const firstOfPost = hourOfTheDay.size + loginBucket.size;

function bucket({ size, bucketsPerDoubling }: Category, count: number): number {
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
