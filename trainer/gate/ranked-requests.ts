/**
 * What several models would have shown at the same requests of the past: each retrieves with its own vectors and ranks
 * what it retrieved with its own ranker, by the code that serves.
 */
import type { OnProgress } from "../../db/progress.ts";
import { dimensions } from "../../supabase/functions/_shared/features/history.ts";
import { recencyBaseline } from "../../supabase/functions/_shared/features/recency-baseline.ts";
import { embedUser, predict, type RankingModel, scoreOf } from "../../supabase/functions/_shared/recommend/rank.ts";
import type { LoadedCommunity } from "../community/from-database.ts";
import { CommunityState } from "../community/state.ts";
import { userText } from "../community/texts.ts";
import type { Request } from "../dlrm/requests.ts";
import { vectorAt } from "../engine/vector-at.ts";
import type { IdEmbeddings } from "../model-folder/id-embeddings.ts";
import { Histories } from "../towers/histories.ts";

/** A model as it would serve a community in memory. */
export interface ReplayedModel extends RankingModel {
  userIdEmbeddings: IdEmbeddings;
  /** [posts, 32]; zeros for a post the model has no vector of. */
  postVectors: Float32Array;
}

/** What a model made of one request. */
export interface RankedRequest {
  posts: Int32Array;
  /** [posts, 3] */
  probabilities: Float32Array;
  /** Of the positive among these posts, from 1; Infinity: it is not among them. */
  rank: number;
  /** The same where these posts are ordered by the recency baseline. */
  recencyRank: number;
}

export interface RankOptions {
  scoreWeights: number[];
  onProgress: OnProgress;
  signal?: AbortSignal | undefined;
}

const none = new Float32Array(dimensions);

/** Walks through requests (ascending) once and gives what each model makes of each; nothing is kept of one when the next comes. */
export async function* rankedRequests<Name extends string>(
  { community, timeline }: LoadedCommunity,
  requests: Request[],
  models: Record<Name, ReplayedModel>,
  { scoreWeights, onProgress, signal }: RankOptions,
): AsyncGenerator<[Request, Record<Name, RankedRequest>]> {
  const step = "judging the model";
  const state = new CommunityState(community, timeline);
  const histories = new Histories(community, Number.POSITIVE_INFINITY);
  const { users } = community;
  for (const [done, request] of requests.entries()) {
    signal?.throwIfAborted();
    if (done % 16 === 0) onProgress({ step, done, total: requests.length });
    const { user, post, at } = request;
    state.advance(request.event);
    const past = histories.latest(user, at, post);
    const ranked = {} as Record<Name, RankedRequest>;
    for (const [name, model] of Object.entries<ReplayedModel>(models)) {
      const history = past.map((each) => vectorAt(model.postVectors, each));
      const vector = await embedUser(model, {
        ...userText(community, user),
        id_embedding: model.userIdEmbeddings.get(users.ids[user]) ?? none,
        history,
      });
      const candidates = state.candidates(user, at, vector, model.postVectors);
      const posts = Int32Array.from(candidates, (candidate) => candidate.post);
      // the graph takes one candidate or more
      const probabilities =
        posts.length > 0
          ? (await predict(model, state.user(user, history), vector, candidates, at)).probabilities
          : new Float32Array();
      const positive = posts.indexOf(post);
      const scores = Float64Array.from(posts, (_, i) => scoreOf(probabilities, i, scoreWeights));
      const recency = Float64Array.from(candidates, (candidate) => recencyBaseline(candidate, at));
      ranked[name as Name] = {
        posts,
        probabilities,
        rank: rankOf(scores, positive),
        recencyRank: rankOf(recency, positive),
      };
    }
    yield [request, ranked];
  }
  onProgress({ step, done: requests.length, total: requests.length });
}

/** From 1, behind all that score the same; Infinity for number −1. */
function rankOf(scores: ArrayLike<number>, number: number): number {
  if (number < 0) return Number.POSITIVE_INFINITY;
  let rank = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i] >= scores[number]) rank++;
  return rank;
}
