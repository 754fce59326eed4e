/** The ranker of a training: the examples that the towers bring it, the network, and what is fitted to it afterwards. */
import type { OnProgress } from "../db/progress.ts";
import type { Head } from "../supabase/functions/_shared/features/kinds.ts";
import type { LoadedCommunity } from "./community/from-database.ts";
import { type Config, defaultConfig } from "./config/config.ts";
import { fitBoost } from "./dlrm/boost.ts";
import { calibrateHeads, expectedPositives, shiftHeads } from "./dlrm/calibrate-heads.ts";
import { denseWidth, isNewUser } from "./dlrm/dense-features.ts";
import { type RequestUsers, rankingExamples } from "./dlrm/examples.ts";
import { fitNewUserStrength, type OfNewUsers } from "./dlrm/new-users.ts";
import type { RankerRequest } from "./dlrm/page-requests.ts";
import { type RankerParts, type RankingExamples, sampledRequests } from "./dlrm/ranking-examples.ts";
import { trainDlrm } from "./dlrm/train.ts";
import { trainingFeatures } from "./dlrm/training-features.ts";
import { Random } from "./engine/random.ts";
import { rankerPartsOf } from "./learnable.ts";
import type { EarlierModel, TrainedModel, TrainedRanker } from "./model-folder/trained-model.ts";
import { embedPosts, embedUsersAt } from "./towers/embed.ts";
import { Histories } from "./towers/histories.ts";
import { readsVectors } from "./towers/network.ts";
import type { TrainedTowers } from "./towers/train.ts";

export interface RankerTraining {
  seed: number;
  until?: number;
  scoreWeights: number[];
  config?: Config | undefined;
  /** Given what the ranker was trained on, some 200 MB that nobody else keeps: for models to compare it with. */
  onExamples?: (examples: RankingExamples, parts: RankerParts) => void;
  from?: EarlierModel | undefined;
  onProgress?: OnProgress;
  signal?: AbortSignal | undefined;
}

/** What brings the ranker its candidates. */
export type Retrieving = Pick<TrainedTowers, "towers" | "data"> & Partial<Pick<TrainedModel, "neighbours">>;

/** The options of the network's training. */
export function dlrmOptionsOf(
  requests: RankerRequest[],
  { seed, scoreWeights, config = defaultConfig, from }: RankerTraining,
) {
  const { ranker } = config;
  const further = "shown" in requests[0] ? ranker.furtherPages : ranker.further;
  return { ...ranker, ...(from && further), seed, scoreWeights };
}

/** What a ranker is trained on. */
interface RankerLessons {
  examples: RankingExamples;
  parts: RankerParts;
  /** Those held out, as if their people were new; not where an earlier ranker is fine-tuned. */
  ofNewUsers?: () => Promise<OfNewUsers>;
}

/** Gathers what retrieval would have shown at some requests. */
export async function rankerLessons(
  loaded: LoadedCommunity,
  requests: RankerRequest[],
  heads: readonly Head[],
  { towers, data, neighbours }: Retrieving,
  options: RankerTraining,
): Promise<RankerLessons> {
  const { seed, until = Number.POSITIVE_INFINITY, config = defaultConfig, from, onProgress, signal } = options;
  const { ranker } = config;
  const { community, timeline } = loaded;
  const postVectors = embedPosts(towers, data, community.posts.ids.length);
  const random = new Random(seed);
  const histories = new Histories(community, until);
  const ofPages = "shown" in requests[0];
  const actsOf = () => (ofPages ? drawActs(ranker, random) : all);
  const users = usersOf(requests, { towers, data }, histories, postVectors, actsOf, isHalf);
  const exampleOptions = {
    heads,
    rows: ofPages ? ranker.pageRows : ranker.rows,
    hardNegatives: ranker.hardNegatives,
    unseenWeight: ranker.unseenWeight,
    neighbours,
    readsVectors: readsVectors(towers.dense).posts,
    random,
    onProgress,
    signal,
  };
  const examples = await rankingExamples(community, timeline, requests, users, postVectors, exampleOptions);
  // all of them are new to a ranker that goes on: nothing need be held out to see whether it fits them too well
  const every = Uint32Array.from(requests.keys());
  const parts = from ? { training: every, heldOut: new Uint32Array() } : rankerPartsOf(requests, config);
  return { examples, parts, ...(!from && { ofNewUsers: heldOutOfNewUsers }) };

  async function heldOutOfNewUsers(): Promise<OfNewUsers> {
    const last = Array.from(parts.heldOut, (request) => requests[request]);
    const asNew = usersOf(
      last,
      { towers, data },
      histories,
      postVectors,
      () => 0,
      () => false,
    );
    const options = { ...exampleOptions, onProgress: undefined };
    return {
      requests: parts.heldOut.filter((request) => isNewUser(examples.dense, examples.rowOf(request) * denseWidth)),
      examples,
      asNew: await rankingExamples(community, timeline, last, asNew, postVectors, options),
    };
  }
}

/** Trains the ranker on what retrieval would have shown at some requests, and calibrates it. */
export async function trainRanker(
  loaded: LoadedCommunity,
  requests: RankerRequest[],
  heads: readonly Head[],
  retrieving: Retrieving,
  options: RankerTraining,
  train = trainDlrm,
): Promise<TrainedRanker> {
  const { scoreWeights, config = defaultConfig, from, onExamples, onProgress, signal } = options;
  const { examples, parts, ofNewUsers } = await rankerLessons(loaded, requests, heads, retrieving, options);
  const asNew = await ofNewUsers?.();
  const every = Uint32Array.from(requests.keys());
  const expected = from && expectedPositives(from.dlrm, examples, every);
  const trained = await train(examples, parts, dlrmOptionsOf(requests, options), onProgress, signal, from?.dlrm);
  if (asNew) fitNewUserStrength(trained.dlrm, asNew, scoreWeights);
  if (expected) shiftHeads(trained.dlrm, examples, every, expected, config.ranker.maximumRequests);
  else {
    calibrateHeads(trained.dlrm, examples, parts);
    // a training that goes on keeps it: a change of weights makes it begin from scratch
    fitBoost(trained.dlrm, examples, parts, scoreWeights);
  }
  onExamples?.(examples, parts);
  return {
    dlrm: trained.dlrm,
    dlrmLosses: trained.losses,
    heldOutLosses: trained.heldOutLosses,
    epoch: trained.epoch,
    requests: requests.length,
    sampled: sampledRequests(examples),
    features: trainingFeatures(trained.dlrm, examples, every, scoreWeights),
  };
}

/** Acts of a request that is shown as it was. */
const all = Number.POSITIVE_INFINITY;

/** As of how many acts a page is shown: of all, of none, or of a few. */
function drawActs({ newUsers, newcomers, fewActs }: Config["ranker"], random: Random): number {
  const drawn = random.uniform();
  if (drawn < newUsers) return 0;
  return drawn < newUsers + newcomers ? 1 + random.below(fewActs) : all;
}

/**
 * Half of the people, who keep whom they follow where they are shown as new. Without them nothing teaches the ranker what the follows of new people are
 * worth: a page by score earned .541 of the true law instead of .512 (synthetic community, seed 1, people who had just signed up).
 */
function isHalf(user: number): boolean {
  return user % 2 === 0;
}

/** The users of some requests, each with the history they had at that moment, or as if they had just come, with whom they follow or nobody. */
function usersOf(
  requests: RankerRequest[],
  { towers, data }: Pick<TrainedTowers, "towers" | "data">,
  histories: Histories,
  postVectors: Float32Array,
  actsOf: () => number,
  keepFollows: (user: number) => boolean,
): RequestUsers {
  const moments = requests.map((request) => {
    const { user, at } = request;
    const acts = actsOf();
    const isNew = acts < all;
    const except = "shown" in request ? -1 : request.post;
    const history = histories.latest(user, at, except).slice(0, acts);
    const followsNobody = isNew && !keepFollows(user);
    return { user, history, followed: followsNobody ? [] : histories.followed(user, at), acts, isNew, followsNobody };
  });
  return {
    vectors: embedUsersAt(towers, data, moments, postVectors),
    histories: moments.map(({ history }) => history),
    acts: Float64Array.from(moments, ({ acts }) => acts),
    followNobody: Uint8Array.from(moments, ({ followsNobody }) => (followsNobody ? 1 : 0)),
  };
}
