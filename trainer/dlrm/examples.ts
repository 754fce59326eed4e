/**
 * The ranker's training set: requests. A request is the moment at which a user interacted with a post for the first time, with
 * what retrieval would have shown then, all features as of that moment.
 */
import type { OnProgress } from "../../db/progress.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import {
  categories,
  pairFeatures,
  postFeatures,
  type RankerFeatures,
  rankerFeatures,
  userFeatures,
} from "../../supabase/functions/_shared/features/ranker-features.ts";
import { recencyBaseline } from "../../supabase/functions/_shared/features/recency-baseline.ts";
import type { Community } from "../community/community.ts";
import { CommunityState, type NumberedCandidate } from "../community/state.ts";
import { login, type Timeline } from "../community/timeline.ts";
import type { Random } from "../engine/random.ts";
import { vectorAt } from "../engine/vector-at.ts";

const day = 24 * 3_600_000;

/** A first interaction of another's post: `event` is its number in the timeline. */
export interface Request {
  event: number;
  user: number;
  post: number;
  at: number;
  /** What the user did with the post within a day: view, vote, comment. */
  labels: [number, number, number];
}

/** First interactions of others' posts with `from` ≤ time < `until`, in order of time. */
export function requestsBetween(community: Community, timeline: Timeline, from: number, until: number): Request[] {
  const interactions = firstInteractionEvents(community, timeline, until);
  return requestsAt(
    timeline,
    interactions.filter((event) => timeline.at[event] >= from),
    until,
  );
}

/**
 * Numbers of the events before an instant that are a first interaction of another's post: with it, the post has a participant
 * more. Where somebody's only vote was taken back, the event behind it passes for one too: retrieval brings no post that
 * had an interaction with before, so nothing is learned from it.
 */
export function firstInteractionEvents({ posts }: Community, timeline: Timeline, until: number): Uint32Array {
  const participants = new Int32Array(posts.ids.length);
  const found = new Uint32Array(timeline.length - timeline.wholeFrom);
  let count = 0;
  for (let event = timeline.history; event < timeline.length && timeline.at[event] < until; event++) {
    if (timeline.kinds[event] === login) continue;
    const post = timeline.posts[event];
    const before = participants[post];
    participants[post] = timeline.postRow(event)[3];
    if (event < timeline.wholeFrom || participants[post] === before) continue;
    if (posts.authors[post] !== timeline.users[event] && posts.createdAt[post] <= timeline.at[event])
      found[count++] = event;
  }
  return found.subarray(0, count);
}

/** The requests of some first interactions (numbers of events, ascending), labelled by what happened before `until`. */
export function requestsAt(timeline: Timeline, interactions: Uint32Array, until: number): Request[] {
  const pairOf = (event: number) => `${timeline.users[event]} ${timeline.posts[event]}`;
  const open = new Map<string, Request>();
  const requests = Array.from(interactions, (event): Request => {
    const request: Request = {
      event,
      user: timeline.users[event],
      post: timeline.posts[event],
      at: timeline.at[event],
      labels: [0, 0, 0],
    };
    open.set(pairOf(event), request);
    return request;
  });
  const last = (requests.at(-1)?.at ?? 0) + day;
  const end = timeline.length;
  for (let event = interactions[0]; event < end && timeline.at[event] < until && timeline.at[event] <= last; event++) {
    if (timeline.kinds[event] === login) continue;
    const request = open.get(pairOf(event));
    if (request && timeline.at[event] <= request.at + day) request.labels[timeline.kinds[event]] = 1;
  }
  return requests;
}

export const denseWidth = userFeatures.length + postFeatures.length + pairFeatures.length;

/**
 * Rows of a number of requests, `rows` each. Where retrieval brought the positive it is row 0; where it did not,
 * no row of the request is positive: a post from no source would be known by that alone, and never comes in serving.
 */
export class RankingExamples {
  readonly rows: number;
  readonly requests: Request[];
  /** [requests, 32] */
  readonly users: Float32Array;
  /** [requests] 1 where row 0 is the positive. */
  readonly found: Uint8Array;
  /** [requests · rows] post numbers */
  readonly posts: Int32Array;
  /** [requests · rows] how many candidates a row stands for; 0 for rows that fill up a request of few candidates. */
  readonly weights: Float32Array;
  /** [requests · rows, user + post + pair features] */
  readonly dense: Float32Array;
  /** [requests · rows, categories] */
  readonly categories: Int32Array;

  constructor(requests: Request[], rows: number) {
    this.requests = requests;
    this.rows = rows;
    const n = requests.length * rows;
    this.users = new Float32Array(requests.length * dimensions);
    this.found = new Uint8Array(requests.length);
    this.posts = new Int32Array(n);
    this.weights = new Float32Array(n);
    this.dense = new Float32Array(n * denseWidth);
    this.categories = new Int32Array(n * categories.length);
  }
}

/** The users of some requests, each at its moment. */
export interface RequestUsers {
  /** [requests, 32] */
  vectors: Float32Array;
  /** Post numbers of each one's history, latest first. */
  histories: number[][];
}

export interface ExampleOptions {
  rows: number;
  /** How many of the rows are the best by the recency baseline; the others are drawn from the rest. */
  hard: number;
  random: Random;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Walks through the requests and gathers `rows` candidates of each: the positive, the `hard` best by the recency baseline, and
 * random others, each weighing as many candidates as it stands for. `postVectors` [posts, 32].
 */
export async function rankingExamples(
  community: Community,
  timeline: Timeline,
  requests: Request[],
  users: RequestUsers,
  postVectors: Float32Array,
  { rows, hard, random, onProgress = () => {}, signal }: ExampleOptions,
): Promise<RankingExamples> {
  const examples = new RankingExamples(requests, rows);
  examples.users.set(users.vectors);
  const state = new CommunityState(community, timeline);
  for (const [r, request] of requests.entries()) {
    signal?.throwIfAborted();
    state.advance(request.event);
    const vector = vectorAt(users.vectors, r);
    const candidates = state.candidates(request.user, request.at, vector, postVectors);
    const history = users.histories[r].map((post) => vectorAt(postVectors, post));
    const features = rankerFeatures(state.user(request.user, history), candidates, request.at);
    write(examples, r, features, candidates, sampleRows(candidates, request, rows, hard, random));
    if (r % 64 === 0) {
      onProgress({ step: "ranking examples", done: r, total: requests.length });
      await new Promise(setImmediate);
    }
  }
  onProgress({ step: "ranking examples", done: requests.length, total: requests.length });
  return examples;
}

interface Sampled {
  found: boolean;
  /** Places among the candidates. */
  chosen: number[];
  weights: number[];
}

function sampleRows(
  candidates: NumberedCandidate[],
  { post, at }: Request,
  rows: number,
  hard: number,
  random: Random,
): Sampled {
  const positive = candidates.findIndex((candidate) => candidate.post === post);
  const values = candidates.map((candidate) => recencyBaseline(candidate, at));
  const others = candidates.map((_, i) => i).filter((i) => i !== positive);
  others.sort((a, b) => values[b] - values[a]);
  const first = positive < 0 ? [] : [positive];
  const best = others.slice(0, Math.min(hard, rows - first.length));
  const rest = random.shuffle(others.slice(best.length));
  const drawn = rest.slice(0, rows - first.length - best.length);
  return {
    found: positive >= 0,
    chosen: [...first, ...best, ...drawn],
    weights: [...first.map(() => 1), ...best.map(() => 1), ...drawn.map(() => rest.length / drawn.length)],
  };
}

function write(
  examples: RankingExamples,
  r: number,
  features: RankerFeatures,
  candidates: NumberedCandidate[],
  { found, chosen, weights }: Sampled,
): void {
  const [p, q, c] = [postFeatures.length, pairFeatures.length, categories.length];
  examples.found[r] = found ? 1 : 0;
  for (const [i, row] of chosen.entries()) {
    const at = r * examples.rows + i;
    examples.posts[at] = candidates[row].post;
    examples.weights[at] = weights[i];
    examples.dense.set(features.user, at * denseWidth);
    examples.dense.set(features.posts.subarray(row * p, (row + 1) * p), at * denseWidth + features.user.length);
    examples.dense.set(features.pairs.subarray(row * q, (row + 1) * q), at * denseWidth + features.user.length + p);
    examples.categories.set(features.categories.subarray(row * c, (row + 1) * c), at * c);
  }
}
