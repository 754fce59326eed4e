/**
 * Trains a whole model: towers on what happened before the ranker's window, the ranker on the requests of that window,
 * whose last part chooses the epoch and how sharp the heads are; then the towers are fine-tuned on the window too. The
 * towers must not have seen the ranker's requests before, or their similarity would look better to the ranker in training
 * than it is in serving.
 */
import type { OnProgress } from "../db/progress.ts";
import type { Community } from "./community/community.ts";
import type { LoadedCommunity } from "./community/from-database.ts";
import { calibrateHeads } from "./dlrm/calibrate-heads.ts";
import { type RequestUsers, rankingExamples } from "./dlrm/examples.ts";
import type { Dlrm } from "./dlrm/model.ts";
import type { RankerParts, RankingExamples } from "./dlrm/ranking-examples.ts";
import { firstInteractionEvents, type Request, requestsAt } from "./dlrm/requests.ts";
import { dlrmDefaults, trainDlrm } from "./dlrm/train.ts";
import { Random } from "./engine/random.ts";
import { postTowerGraph, userTowerGraph } from "./export/towers.ts";
import { type IdEmbeddings, idEmbeddingsOf } from "./model-folder/id-embeddings.ts";
import { embedPosts, embedUsersAt } from "./towers/embed.ts";
import { Histories } from "./towers/histories.ts";
import { type TrainedTowers, towerDefaults, trainTowers } from "./towers/train.ts";

export interface PipelineOptions {
  seed: number;
  /** Only what happened before this instant (milliseconds) is learned from; default: everything. */
  until?: number;
  scoreWeights: number[];
  /** Given what the ranker was trained on, some 200 MB that nobody else keeps: for models to compare it with. */
  onExamples?: (examples: RankingExamples, parts: RankerParts) => void;
  onProgress?: OnProgress;
  signal?: AbortSignal | undefined;
}

export interface TrainedModel {
  towers: TrainedTowers;
  /** [posts, 32] */
  postVectors: Float32Array;
  dlrm: Dlrm;
  dlrmLosses: number[];
  /** Before training and after each epoch. */
  heldOutLosses: number[];
  /** The epoch that was kept. */
  epoch: number;
  requests: number;
}

/** A model that can also be asked about requests it has not learned from: those from an instant on. */
export interface HeldBackModel extends TrainedModel {
  heldBack: HeldBackTowers;
}

/** The towers before they were fine-tuned on what the ranker learned from and on the held-out requests after it. */
export interface HeldBackTowers {
  /** When the held-out requests begin, in milliseconds: neither these towers nor the ranker learned from them. */
  from: number;
  graphs: { user_tower: Uint8Array; post_tower: Uint8Array };
  userIdEmbeddings: IdEmbeddings;
  postIdEmbeddings: IdEmbeddings;
}

/** Trains towers and ranker on a community before `until`. Throws where there is too little to learn from. */
export async function trainModel(loaded: LoadedCommunity, options: PipelineOptions): Promise<HeldBackModel> {
  const { community, timeline } = loaded;
  const { seed, until = Number.POSITIVE_INFINITY, onProgress, signal } = options;
  const interactions = firstInteractionEvents(community, timeline, until);
  if (interactions.length < 100)
    throw new Error(`${interactions.length} first interactions are too few to train on: import at least 100`);
  const { maximumRequests, interactionsPerRequest } = dlrmDefaults;
  const wanted = Math.min(maximumRequests, Math.floor(interactions.length / interactionsPerRequest));
  const requests = requestsAt(timeline, interactions.slice(-wanted), until);
  const towerOptions = { ...towerDefaults, seed, until: requests[0].at };
  const towers = await trainTowers(community, towerOptions, onProgress, signal);
  const ranker = await trainRanker(loaded, requests, towers, new Histories(community, until), options);
  // fine-tuning changes the towers in place
  const heldBack = heldBackTowers(towers, community, requests[firstHeldOut(requests)].at);
  const fineTuning = { ...towerOptions, ...towerDefaults.fineTuning.before, until };
  const fineTuned = await trainTowers(community, fineTuning, onProgress, signal, towers);
  return { ...withTowers(ranker, fineTuned, community), heldBack };
}

/** The number of the first request that the ranker does not learn from. */
function firstHeldOut({ length }: Request[]): number {
  return Math.floor(length * (1 - dlrmDefaults.heldOut));
}

function heldBackTowers({ towers }: TrainedTowers, { users, posts }: Community, from: number): HeldBackTowers {
  return {
    from,
    graphs: { user_tower: userTowerGraph(towers), post_tower: postTowerGraph(towers) },
    userIdEmbeddings: idEmbeddingsOf(users.ids, towers.userIdEmbeddings),
    postIdEmbeddings: idEmbeddingsOf(posts.ids, towers.postIdEmbeddings),
  };
}

/** Trains the ranker on what retrieval would have shown at some requests, and calibrates it. */
async function trainRanker(
  { community, timeline }: LoadedCommunity,
  requests: Request[],
  towers: TrainedTowers,
  histories: Histories,
  { seed, scoreWeights, onExamples, onProgress, signal }: PipelineOptions,
): Promise<TrainedModel> {
  const postVectors = embedPosts(towers.towers, towers.data, community.posts.ids.length);
  const users = usersOf(requests, towers, histories, postVectors);
  const examples = await rankingExamples(community, timeline, requests, users, postVectors, {
    rows: dlrmDefaults.rows,
    hardNegatives: dlrmDefaults.hardNegatives,
    random: new Random(seed),
    onProgress,
    signal,
  });
  const numbers = Uint32Array.from(requests.keys());
  const split = firstHeldOut(requests);
  const parts = { training: numbers.subarray(0, split), heldOut: numbers.subarray(split) };
  const dlrmOptions = { ...dlrmDefaults, seed, scoreWeights };
  const trained = await trainDlrm(examples, parts, postVectors, dlrmOptions, onProgress, signal);
  calibrateHeads(trained.dlrm, examples, parts, postVectors);
  onExamples?.(examples, parts);
  return {
    towers,
    postVectors,
    dlrm: trained.dlrm,
    dlrmLosses: trained.losses,
    heldOutLosses: trained.heldOutLosses,
    epoch: trained.epoch,
    requests: requests.length,
  };
}

/** The users of some requests, each with the history they had at that moment. */
function usersOf(
  requests: Request[],
  { towers, data }: TrainedTowers,
  histories: Histories,
  postVectors: Float32Array,
): RequestUsers {
  const moments = requests.map(({ user, at, post }) => ({ user, history: histories.latest(user, at, post) }));
  return {
    vectors: embedUsersAt(towers, data, moments, postVectors),
    histories: moments.map(({ history }) => history),
  };
}

/** A trained ranker with fine-tuned towers instead of those it was trained on. */
function withTowers(ranker: TrainedModel, towers: TrainedTowers, { posts }: Community): TrainedModel {
  return { ...ranker, towers, postVectors: embedPosts(towers.towers, towers.data, posts.ids.length) };
}

/** A first interaction that a random split holds out: who, which post, and what they did with it. */
export type HeldPair = Pick<Request, "user" | "post" | "labels">;

/**
 * Trains on a random split, where time says nothing: the towers on `base`, the ranker on pairs held out of it at random,
 * as requests made when all of `base` had happened; then the towers are fine-tuned on `whole`, which has the held pairs
 * too.
 */
export async function trainModelOnPairs(
  base: LoadedCommunity,
  whole: LoadedCommunity,
  held: HeldPair[],
  options: PipelineOptions,
): Promise<TrainedModel> {
  const { seed, onProgress, signal } = options;
  const towerOptions = { ...towerDefaults, seed, until: Number.POSITIVE_INFINITY, histories: "others" as const };
  const towers = await trainTowers(base.community, towerOptions, onProgress, signal);
  const event = base.timeline.length;
  const at = base.timeline.at[event - 1];
  const drawn = new Random(seed).shuffle(held.map((pair) => ({ ...pair, event, at })));
  const requests = drawn.slice(0, dlrmDefaults.maximumRequests);
  const ranker = await trainRanker(base, requests, towers, new Histories(base.community, Infinity), options);
  const fineTuning = { ...towerOptions, ...towerDefaults.fineTuning.others };
  const fineTuned = await trainTowers(whole.community, fineTuning, onProgress, signal, towers);
  return withTowers(ranker, fineTuned, whole.community);
}
