/** What a community asks of the database, by the measured costs of one of each (unit-costs.ts), and which compute size carries it. */
import { type ComputeSize, computeSizes } from "./compute-sizes.ts";
import { costsOf, indexBuilding } from "./unit-costs.ts";

export interface Figures {
  users: number;
  posts: number;
  eventsPerDay: number;
  /** In the busiest minutes. */
  feedsPerSecond: number;
}

/** What is not measured and has to be taken for something. */
export const assumed = {
  /** The busiest minutes have so many times the mean of a day. */
  peak: 3,
  /** Posts of a feed, each of which is an impression. */
  feedLength: 20,
  /** Of a processor, a memory and a disk so much is used before it counts as full. */
  fullAt: { processor: 0.7, memory: 0.75, disk: 0.8 },
  /** Impressions are kept for settings.impressions_kept, 6 months, and go by whole months. */
  impressionDays: 198,
  /** Events and the states after them are kept for years; the disk is planned for one. */
  eventDays: 365,
  /** Models with their vectors on the disk: the active one, settings.retired_models_kept, and the one being published. */
  models: 5,
  /** GB for the sessions, the system and the app's own busiest tables. */
  base: 0.5,
  /** Bytes of a user's vector with its key, and of their latest state. */
  userBytes: 500,
  /** GB and bytes a post that building an index takes, as recsys_engine.complete_model sets them. */
  build: { most: 1, postBytes: 843 },
  /** GB of the machine that trains. */
  trainingMemory: 16,
} as const;

/** Shares of what a feed costs that the primary keeps with one replica: docs/replicas.md. */
export const leftWithReplica = 0.37;

export type Resource = "processor" | "memory" | "disk";

/** What the figures need: cores in the busiest minutes, and GB. */
export interface Needs {
  processor: { feeds: number; events: number; impressions: number };
  memory: { index: number; vectors: number; users: number; building: number; base: number };
  disk: { vectors: number; events: number; impressions: number };
  /** Of the machine that trains: GB, and hours of one core in which the index of a published model is built. */
  training: { memory: number; indexHours: number };
}

const GB = 1e9;
const day = 86_400;

export function neededBy({ users, posts, eventsPerDay, feedsPerSecond }: Figures): Needs {
  const costs = costsOf(posts);
  const feedsADay = (feedsPerSecond / assumed.peak) * day;
  const impressionsADay = feedsADay * assumed.feedLength;
  const busyEvents = (eventsPerDay / day) * assumed.peak;
  const core = (perSecond: number, milliseconds: number) => (perSecond * milliseconds) / 1000;
  const { build } = assumed;
  return {
    processor: {
      // the log of impressions is in what a feed was measured to cost
      feeds: core(feedsPerSecond, costs.feed.processor - assumed.feedLength * costs.impression.processor),
      events: core(busyEvents, costs.event.processor + costs.rollUp.processor),
      impressions: core(feedsPerSecond * assumed.feedLength, costs.impression.processor),
    },
    memory: {
      index: (posts * costs.vector.indexBytes) / GB,
      vectors: (posts * (costs.vector.bytes - costs.vector.indexBytes)) / GB,
      users: (users * assumed.userBytes) / GB,
      building: Math.min(build.most, (posts * build.postBytes) / GB),
      base: assumed.base,
    },
    disk: {
      vectors: (assumed.models * (posts * costs.vector.bytes + users * assumed.userBytes)) / GB,
      events: (eventsPerDay * assumed.eventDays * (costs.event.bytes + costs.rollUp.bytes)) / GB,
      impressions: (impressionsADay * assumed.impressionDays * costs.impression.bytes) / GB,
    },
    training: {
      memory: costs.training.megabytes / 1000,
      indexHours: (posts * indexBuilding) / 3_600_000,
    },
  };
}

const sum = (parts: Record<string, number>) => Object.values(parts).reduce((total, part) => total + part, 0);

export interface Carried {
  size: ComputeSize;
  /** The limit of the size that its use is divided by; above 1: too little. */
  used: Record<Resource, number>;
  /** What is fullest. */
  first: Resource;
}

export function carriedBy(size: ComputeSize, needs: Needs): Carried {
  const { fullAt } = assumed;
  const used = {
    processor: sum(needs.processor) / (fullAt.processor * size.cores),
    memory: sum(needs.memory) / (fullAt.memory * size.memory),
    disk: sum(needs.disk) / (fullAt.disk * size.disk),
  };
  const first = (Object.keys(used) as Resource[]).reduce((a, b) => (used[b] > used[a] ? b : a));
  return { size, used, first };
}

/** Of every size; and the smallest one that carries it all, undefined where none does. */
export function planFor(needs: Needs): { all: Carried[]; smallest: Carried | undefined } {
  const all = computeSizes.map((size) => carriedBy(size, needs));
  return { all, smallest: all.find(({ used, first }) => used[first] <= 1) };
}

/** The smallest size that carries all but the log of impressions, and how many days of that it has room for. */
export function withFewerImpressions(needs: Needs): { size: ComputeSize; days: number } | undefined {
  const { impressions, ...others } = needs.disk;
  const { smallest } = planFor({ ...needs, disk: { ...others, impressions: 0 } });
  if (!smallest) return undefined;
  const { size } = smallest;
  const left = assumed.fullAt.disk * size.disk - sum(others);
  return { size, days: Math.floor((left / impressions) * assumed.impressionDays) };
}

/** How many posts in the index a size has memory for, beside so many vectors and users as there are. */
export function indexedPostsOf(size: ComputeSize, { memory }: Needs, posts: number): number {
  const left = assumed.fullAt.memory * size.memory - (sum(memory) - memory.index);
  return Math.max(0, Math.floor((left * GB) / costsOf(posts).vector.indexBytes));
}

/** The needs of the primary with one replica that feeds read from. */
export function withReplica(needs: Needs): Needs {
  return { ...needs, processor: { ...needs.processor, feeds: leftWithReplica * needs.processor.feeds } };
}
