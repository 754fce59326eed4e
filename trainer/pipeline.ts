/**
 * Trains a whole model: towers on what happened before the ranker's window, the ranker on the requests of that window,
 * its calibration on the window's last part. The towers must not have seen the ranker's requests, or their similarity
 * would look better to the ranker in training than it is in life.
 */
import type { OnProgress } from "../db/progress.ts";
import type { LoadedCommunity } from "./community/from-database.ts";
import { calibrate } from "./dlrm/calibrate.ts";
import { type RankingExamples, type Request, rankingExamples, requestsBetween } from "./dlrm/examples.ts";
import { heads } from "./dlrm/network.ts";
import { type Dlrm, dlrmDefaults, dlrmForward, trainDlrm } from "./dlrm/train.ts";
import { Random } from "./engine/random.ts";
import { embedPosts, embedUsersAt } from "./towers/embed.ts";
import { Histories } from "./towers/positives.ts";
import { type TrainedTowers, towerDefaults, trainTowers } from "./towers/train.ts";

export interface PipelineOptions {
  seed: number;
  /** Nothing from this instant on (milliseconds) is learned from; default: everything is. */
  until?: number;
  scoreWeights: number[];
  onProgress?: OnProgress;
  signal?: AbortSignal | undefined;
}

/** The ranker learns from at most this many of the latest requests, and from at most a third of them all. */
const maximumRequests = 6000;
/** Posts a request is trained against: the touched one, the latest active ones, random candidates. */
const rows = 64;
const hard = 24;
/** The last part of the ranker's window, for calibration. */
const heldOut = 0.15;

export interface TrainedModel {
  towers: TrainedTowers;
  histories: Histories;
  /** [posts, 32] */
  postVectors: Float32Array;
  dlrm: Dlrm;
  /** Where the ranker's window begins and its calibration part begins. */
  windowFrom: number;
  calibrationFrom: number;
  dlrmLosses: number[];
  requests: number;
}

/** Trains towers and ranker on a community before `until`. Throws where there is too little to learn from. */
export async function trainModel(
  { community, timeline }: LoadedCommunity,
  options: PipelineOptions,
): Promise<TrainedModel> {
  const { seed, until = Number.POSITIVE_INFINITY, scoreWeights, onProgress = () => {}, signal } = options;
  const all = requestsBetween(community, timeline, Number.NEGATIVE_INFINITY, until);
  if (all.length < 100) throw new Error(`${all.length} first touches are too few to train on: import at least 100`);
  const requests = all.slice(-Math.min(maximumRequests, Math.floor(all.length / 3)));
  const windowFrom = requests[0].at;
  const towers = await trainTowers(community, { ...towerDefaults, seed, until: windowFrom }, onProgress, signal);
  const postVectors = embedPosts(towers.towers, towers.data, community.posts.ids.length);
  const histories = new Histories(community, until);
  const userVectors = vectorsOf(requests, towers, histories, postVectors);
  const examples = await rankingExamples(community, timeline, requests, userVectors, postVectors, {
    rows,
    hard,
    random: new Random(seed),
    onProgress,
    signal,
  });
  const split = Math.floor(requests.length * (1 - heldOut));
  const numbers = Uint32Array.from(requests.keys());
  const dlrmOptions = { ...dlrmDefaults, seed, scoreWeights };
  const { dlrm, losses } = await trainDlrm(
    examples,
    numbers.subarray(0, split),
    postVectors,
    dlrmOptions,
    onProgress,
    signal,
  );
  calibrateHeads(dlrm, examples, numbers.subarray(split), postVectors);
  return {
    towers,
    histories,
    postVectors,
    dlrm,
    windowFrom,
    calibrationFrom: requests[split].at,
    dlrmLosses: losses,
    requests: requests.length,
  };
}

/** Vectors of the users of some requests, each with the history they had at that moment, [requests, 32]. */
export function vectorsOf(
  requests: Request[],
  { towers, data }: TrainedTowers,
  histories: Histories,
  postVectors: Float32Array,
): Float32Array {
  const moments = requests.map(({ user, at, post }) => ({ user, history: histories.latest(user, at, post) }));
  return embedUsersAt(towers, data, moments, postVectors);
}

function calibrateHeads(dlrm: Dlrm, examples: RankingExamples, requests: Uint32Array, postVectors: Float32Array): void {
  const logits = dlrmForward(dlrm, examples, requests, postVectors);
  for (let head = 0; head < heads; head++) {
    const column = logits.filter((_, i) => i % heads === head);
    const labels = Float32Array.from(column, (_, row) =>
      row % examples.rows === 0 ? examples.requests[requests[row / examples.rows]].labels[head] : 0,
    );
    const { scale, shift } = calibrate(column, labels);
    dlrm.calibration.scale[head] = scale;
    dlrm.calibration.shift[head] = shift;
  }
}
