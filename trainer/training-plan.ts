/** What a training from scratch learns from, and in which order: all that is known before any weight is. */
import { UserError } from "../db/user-error.ts";
import type { Head } from "../supabase/functions/_shared/features/kinds.ts";
import type { LearnedFrom, WarmStartModel } from "./artifacts/model-folder/trained-model.ts";
import type { LoadedCommunity } from "./data/replay/from-database.ts";
import type { Neighbours } from "./data/replay/neighbours.ts";
import { pagesCap, requestsCap } from "./data/replay/per-user-cap.ts";
import { interactionsUntil, neighboursIfUseful } from "./models/neighbours/select-neighbours.ts";
import type { BipartiteInteractions } from "./models/nn/implicit-als.ts";
import { headsOf, withHeads } from "./models/ranker/optional-heads.ts";
import type { PageRequest, RankerRequest } from "./models/ranker/page-requests.ts";
import { firstInteractionEvents, type Request, requestsAt } from "./models/ranker/requests.ts";
import type { TowerOptions } from "./models/towers/train.ts";
import { capEventsPerUser, latestPages, mostRankerRequests, selectTrainingData } from "./select-training-data.ts";
import { type Config, defaultConfig } from "./training/config/config.ts";

export interface PlanOptions {
  seed: number;
  /** Only what happened before this instant (milliseconds) is learned from; default: everything. */
  until?: number;
  /** Default: what every hyperparameter is by default. */
  config?: Config | undefined;
}

/** What there is to learn from. */
export interface TrainingScope {
  learnedFrom: LearnedFrom;
  pages: PageRequest[];
  /** What happened before this instant is learned from. */
  until: number;
  /** Events of the timeline: first interactions, each person with a limited share. */
  interactions: Uint32Array;
}

/** What a model learns from that is trained on a community, or fine-tuned from an earlier one. */
export function trainingScopeOf(
  loaded: LoadedCommunity,
  options: PlanOptions & { from?: WarmStartModel | undefined },
): TrainingScope {
  const { community, timeline } = loaded;
  const found = selectTrainingData(loaded, options);
  return {
    ...found,
    interactions: capEventsPerUser(timeline, firstInteractionEvents(community, timeline, found.until)),
  };
}

export interface Plan extends TrainingScope {
  requests: RankerRequest[];
  /** What the ranker predicts. */
  heads: Head[];
  /** Of the towers that the ranker is trained on: they learn from what came before its requests. */
  towers: TowerOptions;
  /** Of the same towers' training on everything, after the ranker's. */
  fineTuning: TowerOptions;
  /** Later first interactions, by which towers are compared. */
  later: Request[];
  /** The interactions before the ranker's requests. */
  cameTo: BipartiteInteractions;
  /** Those that the ranker knows; undefined: the model has none. */
  neighbours: Neighbours | undefined;
}

/** Plans a training from scratch. Throws a `UserError` where there is too little to learn from. */
export function planTraining(loaded: LoadedCommunity, lessons: TrainingScope, options: PlanOptions): Plan {
  const { timeline } = loaded;
  const { learnedFrom, pages, until, interactions } = lessons;
  if (interactions.length < 100)
    throw new UserError(`${interactions.length} first interactions are too few to train on: 100 are needed`);
  const { seed, config = defaultConfig } = options;
  const { interactionsPerRequest } = config.ranker;
  const maximumRequests = mostRankerRequests(learnedFrom, loaded.community.users.ids.length, config);
  const lastPart = ({ length }: Uint32Array) => Math.min(maximumRequests, Math.floor(length / interactionsPerRequest));
  // as few of a person as of pages: a flood of acts would move the start and leave the pages of others out
  const calm = capEventsPerUser(timeline, interactions, pagesCap);
  const start = timeline.at[calm[calm.length - Math.max(1, lastPart(calm))]];
  const recent = latestPages(
    pages.filter(({ at }) => at >= start),
    maximumRequests,
  );
  const heads = headsOf(recent);
  const requests =
    learnedFrom === "pages"
      ? withHeads(recent, heads)
      : requestsAt(timeline, capEventsPerUser(timeline, interactions, requestsCap, lastPart(interactions)), until);
  const towers = { ...towerOptionsOf(learnedFrom, config), seed, until: requests[0].at };
  const unseen = interactions.filter((event) => timeline.at[event] >= requests[0].at);
  const later = requestsAt(timeline, capEventsPerUser(timeline, unseen, requestsCap), until);
  const cameTo = interactionsUntil(loaded, interactions, requests[0].at);
  const neighbours = neighboursIfUseful(loaded, interactions, requests[0].at, later);
  const fineTuning = { ...towers, ...config.towers.fineTuning.before, until };
  return { ...lessons, requests, heads, towers, fineTuning, later, cameTo, neighbours };
}

/** The towers' hyperparameters for what the ranker learns from. */
export function towerOptionsOf(learnedFrom: LearnedFrom, { towers }: Config) {
  return learnedFrom === "pages" ? { ...towers, ...towers.withPages } : towers;
}
