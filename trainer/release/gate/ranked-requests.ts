/**
 * What several models would have shown at the same requests of the past: each retrieves with its own vectors and ranks
 * what it retrieved with its own ranker, by the code that serves.
 */

import type { OnProgress } from "../../../db/progress.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import {
  allHeads,
  type Head,
  type HeadWeights,
  weightsOf,
} from "../../../supabase/functions/_shared/features/kinds.ts";
import { recencyBaseline } from "../../../supabase/functions/_shared/features/recency-baseline.ts";
import type { Feeds } from "../../../supabase/functions/_shared/features/tensors.ts";
import {
  combineHeads,
  predictCandidates,
  type RankerOutput,
  type RankingModel,
} from "../../../supabase/functions/_shared/recommend/scoring/run-ranker.ts";
import { embedUser } from "../../../supabase/functions/_shared/towers/embed-users.ts";
import type { IdEmbeddings } from "../../artifacts/model-folder/id-embeddings.ts";
import { type Community, componentsOf } from "../../data/replay/community.ts";
import type { LoadedCommunity } from "../../data/replay/from-database.ts";
import type { Neighbours } from "../../data/replay/neighbours.ts";
import type { NumberedCandidate } from "../../data/replay/retrieval-options.ts";
import { CommunityState } from "../../data/replay/state.ts";
import { userText } from "../../data/replay/texts.ts";
import { vectorAt } from "../../models/nn/vector-at.ts";
import { withHeads } from "../../models/ranker/optional-heads.ts";
import type { RankerRequest } from "../../models/ranker/page-requests.ts";
import { pageRequests } from "../../models/ranker/page-requests.ts";
import { hasEngaged, requestsBetween } from "../../models/ranker/requests.ts";
import { Histories } from "../../models/towers/histories.ts";
import { meanVectorOf } from "../../models/towers/model.ts";

/** A model as it would serve a community in memory. */
export interface ReplayedModel extends RankingModel {
  userIdEmbeddings: IdEmbeddings;
  /** The user tower inputs of each user's own vector, by its own basis; undefined: it reads none. */
  userVectors: Community["users"]["vectors"];
  /** [posts, 32]; zeros for a post the model has no vector of. */
  postVectors: Float32Array;
  /** Undefined: it has none. */
  neighbours: Neighbours | undefined;
}

/** A model's answer to one request: all retrieved posts, or, where the request is a page, the shown ones. */
export interface RankedRequest extends RankerOutput {
  posts: Int32Array;
  heads: readonly Head[];
  /**
   * Of the best-ranked positive among these posts, from 1; Infinity: there is none. By the heads alone: whether what was done is found says nothing
   * of an order that prefers what weighs more, and who wants that must not have their model refused for it.
   */
  rank: number;
  /** The same where these posts are ordered by the recency baseline. */
  recencyRank: number;
}

export interface RankOptions {
  weights: HeadWeights;
  onProgress: OnProgress;
  signal?: AbortSignal | undefined;
}

const none = new Float32Array(dimensions);

/** What happened from an instant on, and before `until`, in the form that a model's ranker learned from. */
export function heldOutOf(
  { community, timeline, pages }: LoadedCommunity,
  from: number,
  ofPages: boolean,
  until = Number.POSITIVE_INFINITY,
): RankerRequest[] {
  if (!ofPages) return requestsBetween(community, timeline, from, until);
  // a missing action on the last page is not a no yet
  const known = Math.min(until, timeline.at[timeline.length - 1]);
  const requests = pageRequests(pages, timeline, community.posts.ids.length, from, known);
  // in the order of all heads, whatever a model has
  return withHeads(requests, allHeads);
}

export interface Answer extends RankerOutput {
  /** The user's vector [32]. */
  vector: Float32Array;
  /** In no particular order; may be none. */
  candidates: NumberedCandidate[];
  /** The ranker inputs of the candidates; undefined where there are none. */
  feeds?: Feeds | undefined;
}

/** What a model retrieves for a user at an instant of a replay, whose posts of the `past` come latest first, and says of it. */
export async function replayedAnswer(
  model: ReplayedModel,
  community: Community,
  state: CommunityState,
  { user, at, past, followed }: { user: number; at: number; past: number[]; followed: number[] },
  shown?: number[],
): Promise<Answer> {
  const { postVectors, userIdEmbeddings, userVectors } = model;
  const history = past.map((post) => vectorAt(postVectors, post));
  const vector = await embedUser(model, {
    ...userText(community, user),
    vector: userVectors?.[user] ?? null,
    id_embedding: userIdEmbeddings.get(community.users.ids[user]) ?? none,
    history,
    followed: meanVectorOf(followed, postVectors),
  });
  const candidates = state.candidates(user, at, vector, postVectors, { shown, neighbours: model.neighbours });
  // the graph takes one candidate or more
  if (candidates.length === 0) return { vector, candidates, probabilities: new Float32Array() };
  const reader = { ...state.user(user, history), own_history: componentsOf(community, past) };
  return { vector, candidates, ...(await predictCandidates(model, reader, vector, candidates, at)) };
}

/** Walks through requests (ascending) once and gives what each model makes of each; nothing is kept of one when the next comes. */
export async function* rankedRequests<Name extends string>(
  { community, timeline }: LoadedCommunity,
  requests: RankerRequest[],
  models: Record<Name, ReplayedModel>,
  { weights, onProgress, signal }: RankOptions,
): AsyncGenerator<[RankerRequest, Record<Name, RankedRequest>]> {
  const step = "judging the model";
  const state = new CommunityState(community, timeline);
  const histories = new Histories(community, Number.POSITIVE_INFINITY);
  for (const [done, request] of requests.entries()) {
    signal?.throwIfAborted();
    if (done % 16 === 0) onProgress({ step, done, total: requests.length });
    const { user, at } = request;
    const shown = "shown" in request ? request.shown.map(({ post }) => post) : undefined;
    const positives = new Set(positivesOf(request));
    state.advance(request.event);
    const past = histories.latest(user, at, "post" in request ? request.post : undefined);
    const moment = { user, at, past, followed: histories.followed(user, at) };
    const ranked = {} as Record<Name, RankedRequest>;
    for (const [name, model] of Object.entries<ReplayedModel>(models)) {
      const heads = model.heads.length;
      const { candidates: retrieved, ...predicted } = await replayedAnswer(model, community, state, moment, shown);
      const kept = [...retrieved.keys()].filter((i) => !shown || shown.includes(retrieved[i].post));
      const candidates = kept.map((i) => retrieved[i]);
      const posts = Int32Array.from(candidates, ({ post }) => post);
      const probabilities = Float32Array.from(
        kept.flatMap((i) => [...predicted.probabilities.subarray(i * heads, (i + 1) * heads)]),
      );
      const boost = predicted.boost && Float32Array.from(kept, (i) => predicted.boost?.[i] ?? 1);
      const found = [...posts.keys()].filter((i) => positives.has(posts[i]));
      const weightOf = weightsOf(model.heads, weights);
      const scores = Float64Array.from(posts, (_, i) => combineHeads({ probabilities }, i, weightOf));
      const recency = Float64Array.from(candidates, (candidate) =>
        recencyBaseline(candidate.created_at, candidate.state.last_active_at, at),
      );
      ranked[name as Name] = {
        posts,
        probabilities,
        boost,
        heads: model.heads,
        rank: rankOf(scores, found),
        recencyRank: rankOf(recency, found),
      };
    }
    yield [request, ranked];
  }
  onProgress({ step, done: requests.length, total: requests.length });
}

/** The posts that the user did something with. */
function positivesOf(request: RankerRequest): number[] {
  if ("post" in request) return [request.post];
  return request.shown.filter(({ labels }) => hasEngaged(labels)).map(({ post }) => post);
}

/** Of the best of some numbers, from 1, behind all others that score the same; Infinity where there are none. */
function rankOf(scores: ArrayLike<number>, numbers: number[]): number {
  const best = numbers.reduce((highest, number) => Math.max(highest, scores[number]), Number.NEGATIVE_INFINITY);
  let rank = numbers.length > 0 ? 1 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) if (scores[i] >= best && !numbers.includes(i)) rank++;
  return rank;
}
