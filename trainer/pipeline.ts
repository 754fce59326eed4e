/**
 * Trains a whole model: towers on what happened before the ranker's window, the ranker on the requests of that window,
 * whose last part chooses the epoch and how sharp the heads are; then the towers are fine-tuned on the window too. The
 * towers must not have seen a request of the ranker before, or their similarity would look better to the ranker in training
 * than it is in serving; what came before it they have seen, as in serving (build-ranker-examples.ts).
 *
 * Fine-tuning an earlier model is the same on what happened since: its towers have seen nothing of that, so
 * they are to the new requests what they were to the feeds of that time.
 *
 * Neighbours of posts, where a model has them, go the same way: learned up to the window for the ranker and the gate, and up to the end for feeds.
 */
import type { OnProgress } from "../db/progress.ts";
import { UserError } from "../db/user-error.ts";
import { kinds } from "../supabase/functions/_shared/features/kinds.ts";
import { idEmbeddingsOf } from "./artifacts/model-folder/id-embeddings.ts";
import type {
  HoldoutTowers,
  ModelWithHoldoutTowers,
  TrainedModel,
  TrainedRanker,
  WarmStartModel,
} from "./artifacts/model-folder/trained-model.ts";
import { dlrmGraph } from "./artifacts/onnx/dlrm.ts";
import { postTowerGraph, userTowerGraph } from "./artifacts/onnx/towers.ts";
import type { RetrievalModel } from "./build-ranker-examples.ts";
import type { Community } from "./data/replay/community.ts";
import type { LoadedCommunity } from "./data/replay/from-database.ts";
import { neighboursById } from "./data/replay/neighbours.ts";
import { randomSplitCap, requestsCap, topTenUserShare } from "./data/replay/per-user-cap.ts";
import { interactionsUntil, neighboursIfUseful, neighboursUntil } from "./models/neighbours/select-neighbours.ts";
import { Random } from "./models/nn/random.ts";
import { withHeads } from "./models/ranker/optional-heads.ts";
import { firstInteractionEvents, type Request, requestsAt } from "./models/ranker/requests.ts";
import { trainDlrm } from "./models/ranker/train.ts";
import { type TowerTrainer, trainBestTowers } from "./models/towers/best-towers.ts";
import { embedPosts } from "./models/towers/embed.ts";
import { TowerData } from "./models/towers/model.ts";
import { type TrainedTowers, trainTowers } from "./models/towers/train.ts";
import { capEventsPerUser, columnsOf, latestPages, rankerPartsOf } from "./select-training-data.ts";
import { type RankerTraining, trainRanker } from "./train-ranker.ts";
import { defaultConfig } from "./training/config/config.ts";
import {
  type PlanOptions,
  planTraining,
  type TrainingScope,
  towerOptionsOf,
  trainingScopeOf,
} from "./training-plan.ts";

export interface PipelineOptions extends PlanOptions, RankerTraining {
  /** The model to go on from, whose weights are then changed; without it, training starts from scratch. */
  from?: WarmStartModel | undefined;
  /** What finished stages have left, where a training was interrupted. */
  stages?: Stages | undefined;
  /** What trains the networks; default: this process. */
  trainers?: Trainers | undefined;
  onProgress?: OnProgress;
}

/** What trains the two networks. */
export interface Trainers extends TowerTrainer {
  ranker: typeof trainDlrm;
}

const here: Trainers = { towers: trainTowers, ranker: trainDlrm };

/** Runs a stage of the training, or gives back what it gave when it was run before the training was interrupted. */
export interface Stages {
  /** The towers that the ranker's first requests are found by. */
  towers(train: () => Promise<TrainedTowers>): Promise<TrainedTowers>;
  ranker(train: () => Promise<RankerStage>): Promise<RankerStage>;
}

/** The ranker, and the towers as of its held-out requests. */
export interface RankerStage {
  ranker: TrainedRanker;
  towers: TrainedTowers;
}

const everyStage: Stages = { towers: (train) => train(), ranker: (train) => train() };

/** Trains towers and ranker on a community before `until`. Throws a `UserError` where there is too little to learn from. */
export async function trainModel(loaded: LoadedCommunity, options: PipelineOptions): Promise<ModelWithHoldoutTowers> {
  const { community } = loaded;
  const { from } = options;
  const lessons = trainingScopeOf(loaded, options);
  const { learnedFrom, until, interactions } = lessons;
  // what pages taught no first interactions can go on with, and the other way round
  if (from?.learnedFrom === learnedFrom) return await goOn(loaded, lessons, from, options);
  const { config = defaultConfig, stages = everyStage, trainers = here, onProgress, signal } = options;
  const plan = planTraining(loaded, lessons, options);
  const { requests, heads, neighbours } = plan;
  const first = await stages.towers(() => trainBestTowers(loaded, plan, trainers, onProgress, signal));
  const { ranker, towers } = await stages.ranker(async () => {
    let towers = first;
    const further = { ...plan.towers, ...config.towers.further };
    const goOn = async (from: number, until: number, onStep: () => void) => {
      towers = await trainers.towers(community, { ...further, from, until }, onStep, signal, towers);
    };
    const retrieving = { ...first, neighbours, goOn: trainers.elsewhere ? undefined : goOn };
    const fromScratch = { ...options, from: undefined };
    const ranker = await trainRanker(loaded, requests, heads, retrieving, fromScratch, trainers.ranker);
    return { ranker, towers };
  });
  // fine-tuning changes the towers in place
  const heldBackFrom = requests[rankerPartsOf(requests, config).heldOut[0]].at;
  const heldBack = heldBackTowers({ ...towers, neighbours }, community, heldBackFrom);
  const fineTuned = await trainers.towers(community, plan.fineTuning, onProgress, signal, towers);
  const newInteractions = interactions.length;
  return {
    ...ranker,
    ...withVectors(fineTuned, community),
    neighbours: neighbours && neighboursUntil(loaded, interactions, until),
    newInteractions,
    heldBack,
    wentOn: false,
    learnedFrom,
    people: topTenUserShare(columnsOf(requests).users),
    learnedUntil: until,
  };
}

/** Goes on from an earlier model with what happened since. */
async function goOn(
  loaded: LoadedCommunity,
  { interactions, pages, until }: TrainingScope,
  { towers: earlier, dlrm, hasNeighbours, learnedUntil, learnedFrom }: WarmStartModel,
  options: PipelineOptions,
): Promise<ModelWithHoldoutTowers> {
  const { community, timeline } = loaded;
  const { seed, config = defaultConfig, stages = everyStage, trainers = here, onProgress, signal } = options;
  const { maximumRequests } = config.ranker;
  // training changes its weights in place
  const rankerBefore = dlrmGraph(dlrm);
  const unseen = interactions.filter((event) => timeline.at[event] >= learnedUntil);
  const requests =
    learnedFrom === "pages"
      ? withHeads(latestPages(pages, maximumRequests), dlrm.heads)
      : requestsAt(timeline, capEventsPerUser(timeline, unseen, requestsCap, maximumRequests), until);
  if (unseen.length === 0 || requests.length === 0) throw new UserError("nothing is new since the model to go on from");
  const further = { ...towerOptionsOf(learnedFrom, config), ...config.towers.further, seed };
  const [from, to] = [learnedUntil, requests[0].at];
  const data = new TowerData(community, config.towers);
  let towers: TrainedTowers = { towers: earlier, data, losses: [], examples: 0, steps: 0 };
  towers = await stages.towers(() =>
    trainers.towers(community, { ...further, from, until: to }, onProgress, signal, towers),
  );
  const neighboursAt = (at: number) => (hasNeighbours ? neighboursUntil(loaded, interactions, at) : undefined);
  const neighbours = neighboursAt(to);
  const { ranker } = await stages.ranker(async () => ({
    ranker: await trainRanker(loaded, requests, dlrm.heads, { ...towers, neighbours }, options, trainers.ranker),
    towers,
  }));
  const heldBack = heldBackTowers({ ...towers, neighbours }, community, to);
  const trained = await trainers.towers(community, { ...further, from: to, until }, onProgress, signal, towers);
  const newInteractions = unseen.length;
  const people = topTenUserShare(columnsOf(requests).users);
  const learned = { wentOn: true, learnedFrom, people, learnedUntil: until, neighbours: neighboursAt(until) };
  return { ...ranker, ...withVectors(trained, community), newInteractions, heldBack, rankerBefore, ...learned };
}

function heldBackTowers({ towers, neighbours }: RetrievalModel, community: Community, from: number): HoldoutTowers {
  const { users, posts } = community;
  return {
    from,
    graphs: { user_tower: userTowerGraph(towers), post_tower: postTowerGraph(towers) },
    userIdEmbeddings: idEmbeddingsOf(users.ids, towers.userIdEmbeddings),
    postIdEmbeddings: idEmbeddingsOf(posts.ids, towers.postIdEmbeddings),
    neighbours: neighboursById(neighbours, community),
  };
}

/** Trained towers with the vectors they give all posts. */
function withVectors(towers: TrainedTowers, { posts }: Community): Pick<TrainedModel, "towers" | "postVectors"> {
  return { towers, postVectors: embedPosts(towers.towers, towers.data, posts.ids.length) };
}

/** A first interaction that a random split holds out: who, which post, and what they did with it. */
export type HeldPair = Pick<Request, "user" | "post" | "labels">;

/**
 * Trains on a random split, where time says nothing: the towers on `base`, the ranker on pairs held out of it at random, as requests after
 * all of `base`; then the towers are fine-tuned on `whole`, with the held pairs. Neighbours are learned of both in the same way.
 */
export async function trainModelOnPairs(
  base: LoadedCommunity,
  whole: LoadedCommunity,
  held: HeldPair[],
  options: PipelineOptions,
): Promise<TrainedModel> {
  const { seed, config = defaultConfig, trainers = here, onProgress, signal } = options;
  const until = Number.POSITIVE_INFINITY;
  const towerOptions = { ...config.towers, seed, until, histories: "others" as const, bound: randomSplitCap };
  const event = base.timeline.length;
  const at = base.timeline.at[event - 1];
  const drawn = new Random(seed).shuffle(held.map((pair) => ({ ...pair, event, at })));
  const requests = drawn.slice(0, config.ranker.maximumRequests);
  const interactionsOf = ({ community, timeline }: LoadedCommunity) =>
    firstInteractionEvents(community, timeline, until);
  const cameTo = interactionsUntil(base, interactionsOf(base), until);
  const neighbours = neighboursIfUseful(base, interactionsOf(base), until, requests);
  const plan = { cameTo, later: requests, towers: towerOptions, neighbours, requests };
  const towers = await trainBestTowers(base, plan, trainers, onProgress, signal);
  const ranker = await trainRanker(base, requests, kinds, { ...towers, neighbours }, options);
  const fineTuning = { ...towerOptions, ...config.towers.fineTuning.others };
  const fineTuned = await trainers.towers(whole.community, fineTuning, onProgress, signal, towers);
  return {
    ...ranker,
    ...withVectors(fineTuned, whole.community),
    neighbours: neighbours && neighboursUntil(whole, interactionsOf(whole), until),
    newInteractions: requests.length,
    wentOn: false,
    learnedFrom: "interactions",
    people: topTenUserShare(columnsOf(requests).users),
    learnedUntil: at,
  };
}
