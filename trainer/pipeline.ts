/**
 * Trains a whole model: towers on what happened before the ranker's window, the ranker on the requests of that window,
 * whose last part chooses the epoch and how sharp the heads are; then the towers are fine-tuned on the window too. The
 * towers must not have seen the ranker's requests before, or their similarity would look better to the ranker in training
 * than it is in serving.
 *
 * Fine-tuning an earlier model is the same on what happened since: its towers have seen nothing of that, so
 * they are to the new requests what they were to the feeds of that time.
 *
 * Neighbours of posts, where a model has them, go the same way: learned up to the window for the ranker and the gate, and up to the end for feeds.
 */
import type { OnProgress } from "../db/progress.ts";
import { UserError } from "../db/user-error.ts";
import { type Head, kinds } from "../supabase/functions/_shared/features/kinds.ts";
import type { Community } from "./community/community.ts";
import type { LoadedCommunity } from "./community/from-database.ts";
import { neighboursById } from "./community/neighbours.ts";
import { ofPages, ofRequests, tenPeople } from "./community/shares.ts";
import { type Config, defaultConfig } from "./config/config.ts";
import { fitBoost } from "./dlrm/boost.ts";
import { calibrateHeads, expectedPositives, shiftHeads } from "./dlrm/calibrate-heads.ts";
import { denseWidth, isNewUser } from "./dlrm/dense-features.ts";
import { type RequestUsers, rankingExamples } from "./dlrm/examples.ts";
import { fitNewUserStrength, type OfNewUsers } from "./dlrm/new-users.ts";
import { headsOf, withHeads } from "./dlrm/optional-heads.ts";
import type { PageRequest, RankerRequest } from "./dlrm/page-requests.ts";
import type { RankerParts, RankingExamples } from "./dlrm/ranking-examples.ts";
import { sampledRequests } from "./dlrm/ranking-examples.ts";
import { firstInteractionEvents, type Request, requestsAt } from "./dlrm/requests.ts";
import { trainDlrm } from "./dlrm/train.ts";
import { trainingFeatures } from "./dlrm/training-features.ts";
import { Random } from "./engine/random.ts";
import { dlrmGraph } from "./export/dlrm.ts";
import { postTowerGraph, userTowerGraph } from "./export/towers.ts";
import { columnsOf, latestPages, learnable, rankerPartsOf, shares } from "./learnable.ts";
import { idEmbeddingsOf } from "./model-folder/id-embeddings.ts";
import type {
  EarlierModel,
  HeldBackModel,
  HeldBackTowers,
  LearnedFrom,
  TrainedModel,
  TrainedRanker,
} from "./model-folder/trained-model.ts";
import { cameToUntil, findMore, neighboursUntil } from "./neighbours/keep-neighbours.ts";
import { learnNeighbours } from "./neighbours/learn-neighbours.ts";
import { trainFromBetterStart } from "./towers/better-start.ts";
import { embedPosts, embedUsersAt } from "./towers/embed.ts";
import { Histories } from "./towers/histories.ts";
import { TowerData } from "./towers/model.ts";
import { type TrainedTowers, trainTowers } from "./towers/train.ts";

export interface PipelineOptions {
  seed: number;
  /** Only what happened before this instant (milliseconds) is learned from; default: everything. */
  until?: number;
  scoreWeights: number[];
  /** Default: what every hyperparameter is by default. */
  config?: Config | undefined;
  /** Given what the ranker was trained on, some 200 MB that nobody else keeps: for models to compare it with. */
  onExamples?: (examples: RankingExamples, parts: RankerParts) => void;
  /** The model to go on from, whose weights are then changed; without it, training starts from scratch. */
  from?: EarlierModel | undefined;
  /** What finished stages have left, where a training was interrupted. */
  stages?: Stages | undefined;
  onProgress?: OnProgress;
  signal?: AbortSignal | undefined;
}

/** Runs a stage of the training, or gives back what it gave when it was run before the training was interrupted. */
export interface Stages {
  /** The towers that the ranker is trained on. */
  towers(train: () => Promise<TrainedTowers>): Promise<TrainedTowers>;
  ranker(train: () => Promise<TrainedRanker>): Promise<TrainedRanker>;
}

const everyStage: Stages = { towers: (train) => train(), ranker: (train) => train() };

/** Trains towers and ranker on a community before `until`. Throws a `UserError` where there is too little to learn from. */
export async function trainModel(loaded: LoadedCommunity, options: PipelineOptions): Promise<HeldBackModel> {
  const { community, timeline } = loaded;
  const { from } = options;
  const { learnedFrom, pages, until } = learnable(loaded, options);
  const interactions = shares(timeline, firstInteractionEvents(community, timeline, until));
  // what pages taught no first interactions can go on with, and the other way round
  if (from?.learnedFrom === learnedFrom) return await goOn(loaded, interactions, { pages, until }, from, options);
  if (interactions.length < 100)
    throw new UserError(`${interactions.length} first interactions are too few to train on: 100 are needed`);
  const { seed, config = defaultConfig, stages = everyStage, onProgress, signal } = options;
  const { maximumRequests, interactionsPerRequest } = config.ranker;
  const lastPart = ({ length }: Uint32Array) => Math.min(maximumRequests, Math.floor(length / interactionsPerRequest));
  // as few of a person as of pages: a flood of acts would move the start and leave the pages of others out
  const calm = shares(timeline, interactions, ofPages);
  const start = timeline.at[calm[calm.length - Math.max(1, lastPart(calm))]];
  const recent = latestPages(
    pages.filter(({ at }) => at >= start),
    maximumRequests,
  );
  const heads = headsOf(recent);
  const requests =
    learnedFrom === "pages"
      ? withHeads(recent, heads)
      : requestsAt(timeline, shares(timeline, interactions, ofRequests, lastPart(interactions)), until);
  const towerOptions = { ...towerOptionsOf(learnedFrom, config), seed, until: requests[0].at };
  const unseen = interactions.filter((event) => timeline.at[event] >= requests[0].at);
  const later = requestsAt(timeline, shares(timeline, unseen, ofRequests), until);
  const cameTo = cameToUntil(loaded, interactions, requests[0].at);
  const learned = learnNeighbours(cameTo);
  const neighbours = findMore(loaded, learned, later) ? learned : undefined;
  const towers = await stages.towers(() =>
    neighbours
      ? trainFromBetterStart(loaded, cameTo, later, towerOptions, onProgress, signal)
      : trainTowers(community, towerOptions, onProgress, signal),
  );
  const ranker = await stages.ranker(() =>
    trainRanker(loaded, requests, heads, { ...towers, neighbours }, { ...options, from: undefined }),
  );
  // fine-tuning changes the towers in place
  const heldBackFrom = requests[rankerPartsOf(requests, config).heldOut[0]].at;
  const heldBack = heldBackTowers({ ...towers, neighbours }, community, heldBackFrom);
  const fineTuning = { ...towerOptions, ...config.towers.fineTuning.before, until };
  const fineTuned = await trainTowers(community, fineTuning, onProgress, signal, towers);
  const newInteractions = interactions.length;
  return {
    ...ranker,
    ...withVectors(fineTuned, community),
    neighbours: neighbours && neighboursUntil(loaded, interactions, until),
    newInteractions,
    heldBack,
    wentOn: false,
    learnedFrom,
    people: tenPeople(columnsOf(requests).users),
    learnedUntil: until,
  };
}

/** Goes on from an earlier model with what happened since. */
async function goOn(
  loaded: LoadedCommunity,
  interactions: Uint32Array,
  { pages, until }: { pages: PageRequest[]; until: number },
  { towers: earlier, dlrm, hasNeighbours, learnedUntil, learnedFrom }: EarlierModel,
  options: PipelineOptions,
): Promise<HeldBackModel> {
  const { community, timeline } = loaded;
  const { seed, config = defaultConfig, stages = everyStage, onProgress, signal } = options;
  const { maximumRequests } = config.ranker;
  // training changes its weights in place
  const rankerBefore = dlrmGraph(dlrm);
  const unseen = interactions.filter((event) => timeline.at[event] >= learnedUntil);
  const requests =
    learnedFrom === "pages"
      ? withHeads(latestPages(pages, maximumRequests), dlrm.heads)
      : requestsAt(timeline, shares(timeline, unseen, ofRequests, maximumRequests), until);
  if (unseen.length === 0 || requests.length === 0) throw new UserError("nothing is new since the model to go on from");
  const further = { ...towerOptionsOf(learnedFrom, config), ...config.towers.further, seed };
  const [from, to] = [learnedUntil, requests[0].at];
  const data = new TowerData(community, config.towers);
  let towers: TrainedTowers = { towers: earlier, data, losses: [], examples: 0, steps: 0 };
  if (unseen.some((event) => timeline.at[event] < to))
    towers = await stages.towers(() =>
      trainTowers(community, { ...further, from, until: to }, onProgress, signal, towers),
    );
  const neighboursAt = (at: number) => (hasNeighbours ? neighboursUntil(loaded, interactions, at) : undefined);
  const neighbours = neighboursAt(to);
  const ranker = await stages.ranker(() =>
    trainRanker(loaded, requests, dlrm.heads, { ...towers, neighbours }, options),
  );
  const heldBack = heldBackTowers({ ...towers, neighbours }, community, to);
  const trained = await trainTowers(community, { ...further, from: to, until }, onProgress, signal, towers);
  const newInteractions = unseen.length;
  const people = tenPeople(columnsOf(requests).users);
  const learned = { wentOn: true, learnedFrom, people, learnedUntil: until, neighbours: neighboursAt(until) };
  return { ...ranker, ...withVectors(trained, community), newInteractions, heldBack, rankerBefore, ...learned };
}

function towerOptionsOf(learnedFrom: LearnedFrom, { towers }: Config) {
  return learnedFrom === "pages" ? { ...towers, ...towers.withPages } : towers;
}

function heldBackTowers({ towers, neighbours }: Retrieving, community: Community, from: number): HeldBackTowers {
  const { users, posts } = community;
  return {
    from,
    graphs: { user_tower: userTowerGraph(towers), post_tower: postTowerGraph(towers) },
    userIdEmbeddings: idEmbeddingsOf(users.ids, towers.userIdEmbeddings),
    postIdEmbeddings: idEmbeddingsOf(posts.ids, towers.postIdEmbeddings),
    neighbours: neighboursById(neighbours, community),
  };
}

/** What brings the ranker its candidates. */
type Retrieving = Pick<TrainedTowers, "towers" | "data"> & Partial<Pick<TrainedModel, "neighbours">>;

/** Trains the ranker on what retrieval would have shown at some requests, and calibrates it. */
async function trainRanker(
  loaded: LoadedCommunity,
  requests: RankerRequest[],
  heads: readonly Head[],
  { towers, data, neighbours }: Retrieving,
  options: PipelineOptions,
): Promise<TrainedRanker> {
  const { seed, until = Number.POSITIVE_INFINITY, scoreWeights, config = defaultConfig, from } = options;
  const { onExamples, onProgress, signal } = options;
  const { ranker } = config;
  const { community, timeline } = loaded;
  const postVectors = embedPosts(towers, data, community.posts.ids.length);
  const random = new Random(seed);
  const histories = new Histories(community, until);
  const isNew = (request: RankerRequest) => "shown" in request && random.uniform() < ranker.newUsers;
  const users = usersOf(requests, { towers, data }, histories, postVectors, isNew, isHalf);
  const ofPages = "shown" in requests[0];
  const exampleOptions = {
    heads,
    rows: ofPages ? ranker.pageRows : ranker.rows,
    hardNegatives: ranker.hardNegatives,
    unseenWeight: ranker.unseenWeight,
    neighbours,
    random,
    onProgress,
    signal,
  };
  const examples = await rankingExamples(community, timeline, requests, users, postVectors, exampleOptions);
  const every = Uint32Array.from(requests.keys());
  // all of them are new to a ranker that goes on: nothing need be held out to see whether it fits them too well
  const parts = from ? { training: every, heldOut: new Uint32Array() } : rankerPartsOf(requests, config);
  const ofNewUsers = from ? undefined : await heldOutOfNewUsers();
  const expected = from && expectedPositives(from.dlrm, examples, every);
  const further = ofPages ? ranker.furtherPages : ranker.further;
  const dlrmOptions = { ...ranker, ...(from && further), seed, scoreWeights };
  const trained = await trainDlrm(examples, parts, dlrmOptions, onProgress, signal, from?.dlrm);
  if (ofNewUsers) fitNewUserStrength(trained.dlrm, ofNewUsers, scoreWeights);
  if (expected) shiftHeads(trained.dlrm, examples, every, expected, ranker.maximumRequests);
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

  async function heldOutOfNewUsers(): Promise<OfNewUsers> {
    const last = Array.from(parts.heldOut, (request) => requests[request]);
    const asNew = usersOf(
      last,
      { towers, data },
      histories,
      postVectors,
      () => true,
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

/**
 * Half of the people, who keep whom they follow where they are shown as new. Without them nothing teaches the ranker what the follows of new people are
 * boost: a page by score earned .541 of the true law instead of .512 (synthetic community, seed 1, people who had just signed up).
 */
function isHalf(user: number): boolean {
  return user % 2 === 0;
}

/** The users of some requests, each with the history they had at that moment, or as if they had just signed up, with whom they follow or nobody. */
function usersOf(
  requests: RankerRequest[],
  { towers, data }: Pick<TrainedTowers, "towers" | "data">,
  histories: Histories,
  postVectors: Float32Array,
  areNew: (request: RankerRequest) => boolean,
  keepFollows: (user: number) => boolean,
): RequestUsers {
  const moments = requests.map((request) => {
    const { user, at } = request;
    const isNew = areNew(request);
    const except = "shown" in request ? -1 : request.post;
    const history = isNew ? [] : histories.latest(user, at, except);
    const followsNobody = isNew && !keepFollows(user);
    return { user, history, followed: followsNobody ? [] : histories.followed(user, at), isNew, followsNobody };
  });
  return {
    vectors: embedUsersAt(towers, data, moments, postVectors),
    histories: moments.map(({ history }) => history),
    isNew: Uint8Array.from(moments, ({ isNew }) => (isNew ? 1 : 0)),
    followNobody: Uint8Array.from(moments, ({ followsNobody }) => (followsNobody ? 1 : 0)),
  };
}

/** Trained towers with the vectors they give all posts. */
function withVectors(towers: TrainedTowers, { posts }: Community): Pick<TrainedModel, "towers" | "postVectors"> {
  return { towers, postVectors: embedPosts(towers.towers, towers.data, posts.ids.length) };
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
  const { seed, config = defaultConfig, onProgress, signal } = options;
  const towerOptions = { ...config.towers, seed, until: Number.POSITIVE_INFINITY, histories: "others" as const };
  const towers = await trainTowers(base.community, towerOptions, onProgress, signal);
  const event = base.timeline.length;
  const at = base.timeline.at[event - 1];
  const drawn = new Random(seed).shuffle(held.map((pair) => ({ ...pair, event, at })));
  const requests = drawn.slice(0, config.ranker.maximumRequests);
  const ranker = await trainRanker(base, requests, kinds, towers, options);
  const fineTuning = { ...towerOptions, ...config.towers.fineTuning.others };
  const fineTuned = await trainTowers(whole.community, fineTuning, onProgress, signal, towers);
  return {
    ...ranker,
    ...withVectors(fineTuned, whole.community),
    neighbours: undefined,
    newInteractions: requests.length,
    wentOn: false,
    learnedFrom: "interactions",
    people: tenPeople(columnsOf(requests).users),
    learnedUntil: at,
  };
}
