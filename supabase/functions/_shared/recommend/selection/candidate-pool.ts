/** The best candidates for a page, and the score of each below what stands on the page already. */
import { countOccurrence } from "../../features/count-occurrence.ts";
import {
  authorRepetitionPenalty,
  closedCirclePenalty,
  diversityPenalty,
  fullOfNewcomers,
  groupCapPenalty,
  maxPositions,
  unproven,
  unprovenAuthorOf,
} from "./penalties.ts";
import { compareScored, type Penalty, type Selectable, type SelectionSettings } from "./selectable.ts";

/** How many of the best candidates a page of `limit` is chosen from: each chosen post is compared with all that are left of these. */
export function candidatesPerPage(limit: number): number {
  return Math.max(100, limit + 25);
}

export interface CandidatePool<Post extends Selectable> {
  /** The best first; equals stand in the order of `better`. */
  posts: Post[];
  /** The logarithm of what each is worth, score less penalties. −∞: it is taken, or worth nothing. */
  values: Float64Array;
  /** Which has the highest value of those that are not taken, of equals the first; −1: all are. */
  best(): number;
  /** Puts a post on the page, one of these or another. */
  take(post: Selectable): void;
  /** Keeps a post off the page. */
  leaveOut(post: Selectable): void;
  /** Whether the topic or the group of a post has its share of the page. */
  isFull(post: Selectable): boolean;
}

/** The pool of a page of `limit`, which is the first of its feed or not (`beginsFeed`); sorts `posts`. */
export function candidatePool<Post extends Selectable>(
  posts: Post[],
  limit: number,
  { diversity, author_decay, topic_share, group_share, newcomer_places = limit }: SelectionSettings,
  beginsFeed = false,
): CandidatePool<Post> {
  posts.sort(compareScored);
  const most = candidatesPerPage(limit);
  const ofAuthors = author_decay < 1 ? withinShares(posts, most / 10, ({ author_id }) => author_id) : posts;
  // all circles are one: ten accounts would be five of two
  const unprovenAuthor = unprovenAuthorOf(posts);
  // one is shown, and another may be folded
  const ofProven = withinShares(ofAuthors, 2, unprovenAuthor);
  const ofCircles = withinShares(ofProven, most / 10, ({ of_circle }) => (of_circle ? "circle" : null));
  const newcomers = ({ standing }: Selectable["post"]) => (standing === "newcomer" ? "newcomers" : null);
  const bounded = newcomer_places < limit ? withinShares(ofCircles, 2 * newcomer_places, newcomers) : ofCircles;
  const ofGroups = group_share < 1 ? withinShares(bounded, most * group_share, groupOf) : bounded;
  const pool = ofGroups.slice(0, most);
  const values = Float64Array.from(pool, ({ score }) => Math.log(score));
  const ofNewcomers = newcomer_places < limit ? [fullOfNewcomers(pool, newcomer_places, values)] : [];
  // first, since it returns what it took before the first place
  const penalties: Penalty[] = [unproven(pool, unprovenAuthor, values, beginsFeed), ...ofNewcomers];
  if (diversity > 0) penalties.push(diversityPenalty(pool, diversity));
  if (author_decay < 1) penalties.push(authorRepetitionPenalty(pool, author_decay, limit));
  penalties.push(closedCirclePenalty(pool, limit));
  const shares = [
    { share: topic_share, ofPost: topicOf, has: new Map<number | string, number>() },
    { share: group_share, ofPost: groupOf, has: new Map<number | string, number>() },
  ].filter(({ share }) => share < 1);
  for (const { share, ofPost } of shares) penalties.push(groupCapPenalty(pool, share, limit, ofPost));
  const taken = new Set<Selectable>();
  const leaveOut = (post: Selectable) => {
    taken.add(post);
    const place = (pool as Selectable[]).indexOf(post);
    if (place >= 0) values[place] = Number.NEGATIVE_INFINITY;
  };
  return {
    posts: pool,
    values,
    best() {
      let [found, highest] = [-1, 0];
      for (let i = 0; i < pool.length; i++) {
        if ((found >= 0 && !(values[i] > highest)) || taken.has(pool[i])) continue;
        [found, highest] = [i, values[i]];
      }
      return found;
    },
    leaveOut,
    take(post) {
      leaveOut(post);
      for (const penalty of penalties) penalty(post, values);
      for (const { ofPost, has } of shares) {
        const one = ofPost(post.post);
        if (one !== null) has.set(one, (has.get(one) ?? 0) + 1);
      }
    },
    isFull: ({ post }) =>
      shares.some(({ share, ofPost, has }) => (has.get(ofPost(post) ?? "") ?? 0) >= maxPositions(share, limit)),
  };
}

const topicOf = ({ topic_id }: Selectable["post"]) => topic_id ?? null;
const groupOf = ({ group }: Selectable["post"]) => group ?? null;

/** Posts in their order, but of each group all after the first `share` behind those of others: what is not in the pool is on no page. */
function withinShares<Post extends Selectable>(
  posts: Post[],
  share: number,
  groupOf: (post: Post["post"]) => string | null,
): Post[] {
  const has = new Map<string, number>();
  const beyond: Post[] = [];
  const within: Post[] = [];
  for (const candidate of posts)
    (countOccurrence(has, groupOf(candidate.post)) <= share ? within : beyond).push(candidate);
  return [...within, ...beyond];
}

/** The chances of candidates with these values, logarithms of what they are worth (−∞: taken, or worth nothing); null: none is left that is worth something. */
export function drawProbabilities(values: Float64Array, temperature: number): Float64Array | null {
  let highest = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > highest) highest = value;
  if (highest === Number.NEGATIVE_INFINITY) return null;
  // above the highest, since powers of scores may be too small for any number
  const weights = values.map((value) => Math.exp((value - highest) / temperature));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
