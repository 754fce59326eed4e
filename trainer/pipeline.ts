/**
 * Trains a whole model: towers on what happened before the ranker's window, the ranker on the requests of that window,
 * its calibration on the window's last part. The towers must not have seen the ranker's requests, or their similarity
 * would look better to the ranker in training than it is in life.
 */
import type { OnProgress } from "../db/progress.ts";
import type { Community } from "./community/community.ts";
import type { LoadedCommunity } from "./community/from-database.ts";
import { calibrate, shiftToBaseRate } from "./dlrm/calibrate.ts";
import {
  firstInteractionEvents,
  type RankingExamples,
  type Request,
  type RequestUsers,
  rankingExamples,
  requestsAt,
} from "./dlrm/examples.ts";
import type { Dlrm } from "./dlrm/model.ts";
import { heads } from "./dlrm/network.ts";
import { dlrmDefaults, dlrmForward, trainDlrm } from "./dlrm/train.ts";
import { Random } from "./engine/random.ts";
import { embedPosts, embedUsersAt } from "./towers/embed.ts";
import { Histories } from "./towers/positives.ts";
import { type TrainedTowers, towerDefaults, trainTowers } from "./towers/train.ts";

export interface PipelineOptions {
  seed: number;
  /** Nothing from this instant on (milliseconds) is learned from; default: everything is. */
  until?: number;
  scoreWeights: number[];
  /** Given what the ranker was trained on, some 200 MB that nobody else keeps: for models to compare it with. */
  onExamples?: (examples: RankingExamples, parts: RankerParts) => void;
  onProgress?: OnProgress;
  signal?: AbortSignal | undefined;
}

/** Numbers of the requests that the ranker learns from, and of the later ones that choose its epoch. */
export interface RankerParts {
  training: Uint32Array;
  heldOut: Uint32Array;
}

/** The ranker learns from at most this many of the latest requests, and from at most a third of them all. */
const maximumRequests = 6000;
/** Candidates a request is trained on: the positive, the best by the recency baseline, and random ones that stand for the rest. */
const rows = 96;
const hard = 48;
/**
 * How the towers go on after the ranker was trained. The held pairs of a random split want more than the last days of a
 * community: 4 epochs at .001 leave R@20 on ml-100k at .447, 12 at .002 bring .453.
 */
const fineTuning = {
  before: { learningRate: 0.001, epochs: 1 },
  others: { learningRate: 0.002, epochs: 12 },
};
/** The last part of the ranker's window, to choose the epoch and for calibration. */
const heldOut = 0.15;

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

/** Trains towers and ranker on a community before `until`. Throws where there is too little to learn from. */
export async function trainModel(loaded: LoadedCommunity, options: PipelineOptions): Promise<TrainedModel> {
  const { community, timeline } = loaded;
  const { seed, until = Number.POSITIVE_INFINITY, onProgress, signal } = options;
  const interactions = firstInteractionEvents(community, timeline, until);
  if (interactions.length < 100)
    throw new Error(`${interactions.length} first interactions are too few to train on: import at least 100`);
  const wanted = Math.min(maximumRequests, Math.floor(interactions.length / 3));
  const requests = requestsAt(timeline, interactions.slice(-wanted), until);
  const towerOptions = { ...towerDefaults, seed, until: requests[0].at };
  const towers = await trainTowers(community, towerOptions, onProgress, signal);
  const ranker = await trainRanker(loaded, requests, towers, new Histories(community, until), options);
  const whole = { ...towerOptions, ...fineTuning.before, until };
  return fineTuned(ranker, await trainTowers(community, whole, onProgress, signal, towers), community);
}

/** A first interaction that a random split holds out: who, what, and whether they viewed it, voted for it, commented on it. */
export type HeldPair = Pick<Request, "user" | "post" | "labels">;

/**
 * Trains on a random split, where time says nothing: the towers on `base`, the ranker on pairs held out of it at random,
 * as requests made when all of `base` had happened; then the towers go on with `whole`, which has the held pairs too.
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
  const requests = new Random(seed).shuffle(held.map((pair) => ({ ...pair, event, at }))).slice(0, maximumRequests);
  const ranker = await trainRanker(base, requests, towers, new Histories(base.community, Infinity), options);
  const again = { ...towerOptions, ...fineTuning.others };
  const tuned = await trainTowers(whole.community, again, onProgress, signal, towers);
  return fineTuned(ranker, tuned, whole.community);
}

/** A ranker with the towers it was trained on gone on to newer ones. */
function fineTuned(ranker: TrainedModel, towers: TrainedTowers, { posts }: Community): TrainedModel {
  return { ...ranker, towers, postVectors: embedPosts(towers.towers, towers.data, posts.ids.length) };
}

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
    rows,
    hard,
    random: new Random(seed),
    onProgress,
    signal,
  });
  const split = Math.floor(requests.length * (1 - heldOut));
  const numbers = Uint32Array.from(requests.keys());
  const dlrmOptions = { ...dlrmDefaults, seed, scoreWeights };
  const parts = { training: numbers.subarray(0, split), heldOut: numbers.subarray(split) };
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
export function usersOf(
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

/**
 * Fits each head to all candidates of its requests, also of those whose positive retrieval did not bring. How sharp
 * the heads may be shows on requests they were not trained on; how many interactions there are of each kind, on the whole
 * window: kinds come in waves, and the few held-out days of a small community had 1.6 times the votes of what followed.
 */
export function calibrateHeads(
  dlrm: Dlrm,
  examples: RankingExamples,
  { training, heldOut }: RankerParts,
  postVectors: Float32Array,
): void {
  const window = Uint32Array.of(...training, ...heldOut);
  const logits = dlrmForward(dlrm, examples, window, postVectors);
  const { rows } = examples;
  const from = training.length * rows;
  const weights = Float32Array.from(
    { length: window.length * rows },
    (_, row) => examples.weights[window[Math.floor(row / rows)] * rows + (row % rows)],
  );
  for (let head = 0; head < heads; head++) {
    const column = Float32Array.from(weights, (_, row) => logits[row * heads + head]);
    const labels = new Float32Array(weights.length);
    for (const [i, request] of window.entries())
      labels[i * rows] = examples.found[request] * examples.requests[request].labels[head];
    const { scale } = calibrate(column.subarray(from), labels.subarray(from), weights.subarray(from));
    dlrm.calibration.scale[head] = scale;
    dlrm.calibration.shift[head] = shiftToBaseRate(
      column.map((logit) => scale * logit),
      labels,
      weights,
    );
  }
}
