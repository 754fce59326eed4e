/**
 * Gathers the ranker's training set: what retrieval would have shown at each request, all features as of that moment.
 */

import type { OnProgress } from "../../../db/progress.ts";
import { UserError } from "../../../db/user-error.ts";
import { categories, categoryStarts } from "../../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { type Head, kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import {
  pairFeatures,
  postFeatures,
  type RankerFeatures,
  rankerFeatures,
  userFeatures,
} from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { vectorMatches, vectorMatchInputs } from "../../../supabase/functions/_shared/features/vector-match.ts";
import { coldStartUserState } from "../../data/replay/cold-start-user.ts";
import { type Community, componentsOf } from "../../data/replay/community.ts";
import type { Neighbours } from "../../data/replay/neighbours.ts";
import type { NumberedCandidate } from "../../data/replay/retrieval-options.ts";
import { CommunityState } from "../../data/replay/state.ts";
import type { Timeline } from "../../data/replay/timeline.ts";
import type { Random } from "../nn/random.ts";
import { vectorAt } from "../nn/vector-at.ts";
import { denseWidth } from "./dense-features.ts";
import type { RankerRequest } from "./page-requests.ts";
import { RankingExamples } from "./ranking-examples.ts";
import { pageRows, positiveAndNegatives, type SampledRows } from "./sampled-rows.ts";

/** The users of some requests, each as of the moment of the request. */
export interface RequestUsers {
  /** [requests, 32] */
  vectors: Float32Array;
  /** Post numbers of each one's history, latest first. */
  histories: number[][];
  /**
   * [requests] The number of their latest acts that the ranker sees, as if there were no others; 0: as a new user.
   * Infinity: all.
   */
  acts: Float64Array;
  /** [requests] 1: shown as a user without follows. */
  followNobody: Uint8Array;
}

/** What the towers of a time make of the next requests. */
export interface RequestsOfTime {
  /** The number of the request that is no longer of this time. */
  until: number;
  /** Of these requests. */
  users: RequestUsers;
  /** [posts, 32] */
  postVectors: Float32Array;
}

interface ExampleOptions {
  /** What the labels of the requests are of; default: the kinds of interaction. */
  heads?: readonly Head[];
  rows: number;
  /** How many of a first interaction's rows are hard negatives; the others are the positive and sampled negatives. */
  hardNegatives: number;
  /** What a candidate that was not shown counts, compared with a post of a page that was passed by. */
  unseenWeight: number;
  /** Those of the model; left out: it has none. */
  neighbours?: Neighbours | undefined;
  /** Whether the towers read the posts' own vectors; default: they do not. */
  readsVectors?: boolean;
  random: Random;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/** The name of the step. */
export const gathering = "ranking examples";

/** Walks through the requests and gathers `rows` of each one's candidates; the next times are read when the walk reaches them. */
export async function rankingExamples(
  community: Community,
  timeline: Timeline,
  requests: RankerRequest[],
  times: Iterable<RequestsOfTime> | AsyncIterable<RequestsOfTime>,
  {
    heads,
    rows,
    hardNegatives,
    unseenWeight,
    neighbours,
    readsVectors = false,
    random,
    onProgress = () => {},
    signal,
  }: ExampleOptions,
): Promise<RankingExamples> {
  const examples = new RankingExamples(requests, rows, heads, readsVectors);
  const state = new CommunityState(community, timeline);
  let from = 0;
  for await (const { until, users, postVectors } of times) {
    examples.users.set(users.vectors, from * dimensions);
    for (let r = from; r < until; r++) await gather(r, users, r - from, postVectors);
    from = until;
  }
  onProgress({ step: gathering, done: requests.length, total: requests.length });
  return examples;

  /** Gathers the rows of request `r`, whose user is the `i`-th of those. */
  async function gather(r: number, users: RequestUsers, i: number, postVectors: Float32Array): Promise<void> {
    signal?.throwIfAborted();
    const request = requests[r];
    state.advance(request.event);
    const vector = vectorAt(users.vectors, i);
    const acts = users.acts[i];
    const followsNobody = users.followNobody[i] === 1;
    const shown = "shown" in request ? request.shown.map(({ post }) => post) : [];
    const candidates = state.candidates(request.user, request.at, vector, postVectors, {
      shown,
      acts,
      followsNobody,
      neighbours,
    });
    const history = users.histories[i].map((post) => vectorAt(postVectors, post));
    const user =
      acts === Number.POSITIVE_INFINITY
        ? state.user(request.user, history)
        : coldStartUserState(state, request.user, acts, request.at, { history, followsNobody });
    const features = rankerFeatures(user, candidates, request.at);
    assertFilled(features);
    const sampled =
      "shown" in request
        ? pageRows(candidates, request, rows, unseenWeight, random)
        : positiveAndNegatives(candidates, request, rows, hardNegatives, random);
    write(examples, r, features, candidates, sampled);
    for (const [row, candidate] of sampled.chosen.entries())
      examples.postVectors.set(vectorAt(postVectors, candidates[candidate].post), examples.rowOf(r, row) * dimensions);
    if (readsVectors) {
      const chosen = sampled.chosen.map((candidate) => candidates[candidate].post);
      const matches = vectorMatches(componentsOf(community, users.histories[i]), componentsOf(community, chosen));
      examples.vectorMatches.set(matches, examples.rowOf(r) * vectorMatchInputs);
    }
    if (r % 64 === 0) {
      onProgress({ step: gathering, done: r, total: requests.length });
      await new Promise(setImmediate);
    }
  }
}

function write(
  examples: RankingExamples,
  r: number,
  features: RankerFeatures,
  candidates: NumberedCandidate[],
  { found, chosen, weights, lossWeights, logPositions, deeds }: SampledRows,
): void {
  const [p, q, c] = [postFeatures.length, pairFeatures.length, categories.length];
  examples.found[r] = found ? 1 : 0;
  for (const [i, candidate] of chosen.entries()) {
    const row = examples.rowOf(r, i);
    const at = row * denseWidth;
    examples.posts[row] = candidates[candidate].post;
    examples.weights[row] = weights[i];
    examples.lossWeights[row] = lossWeights[i];
    examples.logPositions[row] = logPositions[i] ?? 0;
    if (deeds[i]) examples.labels.set(deeds[i].labels, row * examples.heads.length);
    if (deeds[i]?.weights) examples.deedWeights.set(deeds[i].weights, row * kinds.length);
    examples.dense.set(features.user, at);
    examples.dense.set(features.posts.subarray(candidate * p, (candidate + 1) * p), at + features.user.length);
    examples.dense.set(features.pairs.subarray(candidate * q, (candidate + 1) * q), at + features.user.length + p);
    examples.categories.set(features.categories.subarray(candidate * c, (candidate + 1) * c), row * c);
  }
}

/** Throws a `UserError` that names the first feature which is no finite number, or a category that is none of its rows. */
export function assertFilled({ user, posts, pairs, categories: ids }: RankerFeatures): void {
  for (const [kind, names, values] of [
    ["user", userFeatures, user],
    ["post", postFeatures, posts],
    ["pair", pairFeatures, pairs],
  ] as const) {
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) throw notFilled(`${kind} ${names[wrong % names.length]}`, values[wrong]);
  }
  const width = categories.length;
  const wrong = ids.findIndex(
    (row, i) => row < categoryStarts[i % width] || row >= categoryStarts[i % width] + categories[i % width].size,
  );
  if (wrong >= 0) throw notFilled(`category ${categories[wrong % width].name}`, ids[wrong]);
}

function notFilled(name: string, value: number): UserError {
  return new UserError(
    `the feature "${name}" is ${value}: nothing fills it, or what it is made of is no number (docs/adding-a-feature.md)`,
  );
}
