/** What a training from scratch learns from, and in which order: all that is known before any weight is. */
import { UserError } from "../db/user-error.ts";
import type { Head } from "../supabase/functions/_shared/features/kinds.ts";
import type { LoadedCommunity } from "./community/from-database.ts";
import type { Neighbours } from "./community/neighbours.ts";
import { ofPages, ofRequests } from "./community/shares.ts";
import { type Config, defaultConfig } from "./config/config.ts";
import { headsOf, withHeads } from "./dlrm/optional-heads.ts";
import type { PageRequest, RankerRequest } from "./dlrm/page-requests.ts";
import { firstInteractionEvents, type Request, requestsAt } from "./dlrm/requests.ts";
import type { BothWays } from "./engine/implicit-als.ts";
import { latestPages, learnable, mostRankerRequests, shares } from "./learnable.ts";
import type { EarlierModel, LearnedFrom } from "./model-folder/trained-model.ts";
import { cameToUntil, keptNeighbours } from "./neighbours/keep-neighbours.ts";
import type { TowerOptions } from "./towers/train.ts";

export interface PlanOptions {
  seed: number;
  /** Only what happened before this instant (milliseconds) is learned from; default: everything. */
  until?: number;
  /** Default: what every hyperparameter is by default. */
  config?: Config | undefined;
}

/** What there is to learn from. */
export interface Lessons {
  learnedFrom: LearnedFrom;
  pages: PageRequest[];
  /** What happened before this instant is learned from. */
  until: number;
  /** Events of the timeline: first interactions, of which everybody has their share. */
  interactions: Uint32Array;
}

/** What a model learns from that is trained on a community, or fine-tuned from an earlier one. */
export function lessonsOf(
  loaded: LoadedCommunity,
  options: PlanOptions & { from?: EarlierModel | undefined },
): Lessons {
  const { community, timeline } = loaded;
  const found = learnable(loaded, options);
  return { ...found, interactions: shares(timeline, firstInteractionEvents(community, timeline, found.until)) };
}

export interface Plan extends Lessons {
  requests: RankerRequest[];
  /** What the ranker predicts. */
  heads: Head[];
  /** Of the towers that the ranker is trained on: they learn from what came before its requests. */
  towers: TowerOptions;
  /** Of the same towers' training on everything, after the ranker's. */
  fineTuning: TowerOptions;
  /** Later first interactions, by which towers are compared. */
  later: Request[];
  /** Who came to what before the ranker's requests. */
  cameTo: BothWays;
  /** Those that the ranker knows; undefined: the model has none. */
  neighbours: Neighbours | undefined;
}

/** Plans a training from scratch. Throws a `UserError` where there is too little to learn from. */
export function planTraining(loaded: LoadedCommunity, lessons: Lessons, options: PlanOptions): Plan {
  const { timeline } = loaded;
  const { learnedFrom, pages, until, interactions } = lessons;
  if (interactions.length < 100)
    throw new UserError(`${interactions.length} first interactions are too few to train on: 100 are needed`);
  const { seed, config = defaultConfig } = options;
  const { interactionsPerRequest } = config.ranker;
  const maximumRequests = mostRankerRequests(learnedFrom, loaded.community.users.ids.length, config);
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
  const towers = { ...towerOptionsOf(learnedFrom, config), seed, until: requests[0].at };
  const unseen = interactions.filter((event) => timeline.at[event] >= requests[0].at);
  const later = requestsAt(timeline, shares(timeline, unseen, ofRequests), until);
  const cameTo = cameToUntil(loaded, interactions, requests[0].at);
  const neighbours = keptNeighbours(loaded, interactions, requests[0].at, later);
  const fineTuning = { ...towers, ...config.towers.fineTuning.before, until };
  return { ...lessons, requests, heads, towers, fineTuning, later, cameTo, neighbours };
}

/** The towers' hyperparameters for what the ranker learns from. */
export function towerOptionsOf(learnedFrom: LearnedFrom, { towers }: Config) {
  return learnedFrom === "pages" ? { ...towers, ...towers.withPages } : towers;
}
