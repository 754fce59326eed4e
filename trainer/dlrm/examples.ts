/**
 * The ranker's training set: requests. A request is the moment at which a user touched a post for the first time, with
 * that post and what retrieval would have shown beside it, all features as of that moment.
 */
import type { OnProgress } from "../../db/progress.ts";
import { dimensions } from "../../supabase/functions/_shared/history.ts";
import {
  categories,
  pairFeatures,
  postFeatures,
  rankerFeatures,
  userFeatures,
} from "../../supabase/functions/_shared/ranker-features.ts";
import type { Community } from "../community/community.ts";
import { CommunityState, type NumberedCandidate, noRanks } from "../community/state.ts";
import { login, type Timeline } from "../community/timeline.ts";
import type { Random } from "../engine/random.ts";

const day = 24 * 3_600_000;

/** A first touch of another's post: `event` is its number in the timeline. */
export interface Request {
  event: number;
  user: number;
  post: number;
  at: number;
  /** What the user did with the post within a day: view, vote, comment. */
  labels: [number, number, number];
}

/** First touches of others' posts with `from` ≤ time < `until`, in order of time. */
export function requestsBetween(community: Community, timeline: Timeline, from: number, until: number): Request[] {
  const posts = community.posts.ids.length;
  const touched = new Set<number>();
  const open = new Map<number, Request>();
  const requests: Request[] = [];
  for (let event = 0; event < timeline.length && timeline.at[event] < until; event++) {
    if (timeline.kinds[event] === login) continue;
    const [user, post, at] = [timeline.users[event], timeline.posts[event], timeline.at[event]];
    if (community.posts.authors[post] === user) continue;
    const pair = user * posts + post;
    if (!touched.has(pair)) {
      touched.add(pair);
      if (at >= from) {
        const request: Request = { event, user, post, at, labels: [0, 0, 0] };
        requests.push(request);
        open.set(pair, request);
      }
    }
    const request = open.get(pair);
    if (request && at <= request.at + day) request.labels[timeline.kinds[event]] = 1;
  }
  return requests;
}

export const denseWidth = userFeatures.length + postFeatures.length + pairFeatures.length;

/** Rows of a number of requests, `rows` each; row 0 of a request is the touched post. */
export class RankingExamples {
  readonly rows: number;
  readonly requests: Request[];
  /** [requests, 32] */
  readonly users: Float32Array;
  /** [requests · rows] post numbers */
  readonly posts: Int32Array;
  /** [requests · rows, user + post + pair features] */
  readonly dense: Float32Array;
  /** [requests · rows, categories] */
  readonly categories: Int32Array;

  constructor(requests: Request[], rows: number) {
    this.requests = requests;
    this.rows = rows;
    const n = requests.length * rows;
    this.users = new Float32Array(requests.length * dimensions);
    this.posts = new Int32Array(n);
    this.dense = new Float32Array(n * denseWidth);
    this.categories = new Int32Array(n * categories.length);
  }
}

/**
 * Walks through the requests and gathers `rows` posts of each: the touched one, the `hard` most recently active
 * candidates and random other ones. `userVectors` [requests, 32], `postVectors` [posts, 32].
 */
export async function rankingExamples(
  community: Community,
  timeline: Timeline,
  requests: Request[],
  userVectors: Float32Array,
  postVectors: Float32Array,
  {
    rows,
    hard,
    random,
    onProgress = () => {},
    signal,
  }: { rows: number; hard: number; random: Random; onProgress?: OnProgress; signal?: AbortSignal | undefined },
): Promise<RankingExamples> {
  const examples = new RankingExamples(requests, rows);
  examples.users.set(userVectors);
  const state = new CommunityState(community, timeline);
  for (const [r, request] of requests.entries()) {
    signal?.throwIfAborted();
    state.advance(request.event);
    const vector = userVectors.subarray(r * dimensions, (r + 1) * dimensions);
    const candidates = withPost(
      state,
      request,
      state.candidates(request.user, request.at, vector, postVectors),
      vector,
      postVectors,
    );
    write(examples, r, state, candidates, sampleRows(candidates, request.post, rows, hard, random));
    if (r % 64 === 0) {
      onProgress({ step: "ranking examples", done: r, total: requests.length });
      await new Promise(setImmediate);
    }
  }
  onProgress({ step: "ranking examples", done: requests.length, total: requests.length });
  return examples;
}

/** The candidates and, where no source brought it, the touched post. */
export function withPost(
  state: CommunityState,
  request: { user: number; post: number },
  candidates: NumberedCandidate[],
  vector: Float32Array,
  postVectors: Float32Array,
): NumberedCandidate[] {
  if (candidates.some(({ post }) => post === request.post)) return candidates;
  let similarity = 0;
  for (let d = 0; d < dimensions; d++) similarity += vector[d] * postVectors[request.post * dimensions + d];
  return [...candidates, state.candidate(request.user, request.post, similarity, noRanks())];
}

/** Positions of `rows` candidates: the touched post first, then the hard ones, then random ones; repeated where there are too few. */
function sampleRows(
  candidates: NumberedCandidate[],
  post: number,
  rows: number,
  hard: number,
  random: Random,
): number[] {
  const positive = candidates.findIndex((candidate) => candidate.post === post);
  const others = candidates.map((_, i) => i).filter((i) => i !== positive);
  const idle = (i: number) => candidates[i].acted_at ?? candidates[i].created_at;
  others.sort((a, b) => idle(b) - idle(a));
  const rest = random.shuffle(others.slice(hard));
  const chosen = [positive, ...others.slice(0, hard), ...rest].slice(0, rows);
  while (chosen.length < rows) chosen.push(others.length > 0 ? others[random.below(others.length)] : positive);
  return chosen;
}

function write(
  examples: RankingExamples,
  r: number,
  state: CommunityState,
  candidates: NumberedCandidate[],
  chosen: number[],
): void {
  const request = examples.requests[r];
  const features = rankerFeatures(state.user(request.user), candidates, request.at);
  const [p, q, c] = [postFeatures.length, pairFeatures.length, categories.length];
  for (const [i, row] of chosen.entries()) {
    const at = r * examples.rows + i;
    examples.posts[at] = candidates[row].post;
    examples.dense.set(features.user, at * denseWidth);
    examples.dense.set(features.posts.subarray(row * p, (row + 1) * p), at * denseWidth + features.user.length);
    examples.dense.set(features.pairs.subarray(row * q, (row + 1) * q), at * denseWidth + features.user.length + p);
    examples.categories.set(features.categories.subarray(row * c, (row + 1) * c), at * c);
  }
}
