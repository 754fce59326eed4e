/** The requests that a training learns from, and which of them are held out; everybody has their share of both. */

import type { LearnedFrom } from "./artifacts/model-folder/trained-model.ts";
import type { LoadedCommunity } from "./data/replay/from-database.ts";
import { capPerUser, pagesCap, positivesCap, requestsCap } from "./data/replay/per-user-cap.ts";
import type { Timeline } from "./data/replay/timeline.ts";
import { hasEngagedPost, type PageRequest, pageRequests, type RankerRequest } from "./models/ranker/page-requests.ts";
import type { RankerParts } from "./models/ranker/ranking-examples.ts";
import { labelWindow } from "./models/ranker/requests.ts";
import { type Config, defaultConfig } from "./training/config/config.ts";

interface LearnableOptions {
  until?: number;
  config?: Config | undefined;
  /** The model that is fine-tuned. */
  from?: { learnedFrom: LearnedFrom; learnedUntil: number } | undefined;
}

/**
 * What there is to learn from. Where enough pages were logged, the ranker learns from these, and all stop where the last page begins
 * whose labels have had their day: towers that had seen what came of a page would look better to the ranker than they are.
 */
export function selectTrainingData(
  loaded: LoadedCommunity,
  { until = Number.POSITIVE_INFINITY, from, config = defaultConfig }: LearnableOptions,
): { learnedFrom: LearnedFrom; pages: PageRequest[]; until: number } {
  const { community, timeline } = loaded;
  const known = Math.min(until, timeline.length > 0 ? timeline.at[timeline.length - 1] + 1 : until);
  const settled = known - labelWindow;
  const since = from?.learnedFrom === "pages" ? from.learnedUntil : Number.NEGATIVE_INFINITY;
  const pages = latestPages(pageRequests(loaded.pages, timeline, community.posts.ids.length, since, known));
  const enough = from?.learnedFrom === "pages" ? 1 : config.ranker.enoughPages;
  if (pages.filter(hasEngagedPost).length < enough) return { learnedFrom: "interactions", pages: [], until };
  return { learnedFrom: "pages", pages, until: settled };
}

/** The latest pages, `most` at most, each person with a limited share. */
export function latestPages(pages: PageRequest[], most?: number): PageRequest[] {
  return Array.from(capPerUser(columnsOf(pages), pagesCap, most), (i) => pages[i]);
}

/** Pages per person that a ranker learns from, if that is below its limit, and pages of any community. docs/research/experiments.md has the cost of fewer. */
const [pagesOfEach, fewestPages] = [3, 3000];

/** So many requests at most a training from scratch takes: a small community's say enough with fewer. */
export function mostRankerRequests(learnedFrom: LearnedFrom, people: number, { ranker }: Config): number {
  const { maximumRequests } = ranker;
  return learnedFrom === "pages"
    ? Math.min(maximumRequests, Math.max(fewestPages, pagesOfEach * people))
    : maximumRequests;
}

/** The same of events, by their numbers. */
export function capEventsPerUser(
  { users, at }: Timeline,
  events: Uint32Array,
  bound = positivesCap,
  most?: number,
): Uint32Array {
  const of = { users: events.map((event) => users[event]), at: Float64Array.from(events, (event) => at[event]) };
  return capPerUser(of, bound, most).map((i) => events[i]);
}

export function columnsOf(requests: RankerRequest[]) {
  return { users: requests.map(({ user }) => user), at: requests.map(({ at }) => at) };
}

/**
 * The requests that the ranker learns from, and later held-out ones. Held-out requests of a person are limited to their
 * share, too: the last minutes of a few would choose the epoch. At most twice as many are later than what is learned.
 */
export function rankerPartsOf(requests: RankerRequest[], { ranker }: Config): RankerParts {
  const every = Uint32Array.from(requests.keys());
  const wanted = every.length - Math.floor(every.length * (1 - ranker.heldOut));
  const last = every.subarray(-2 * wanted);
  const bound = "shown" in requests[0] ? pagesCap : requestsCap;
  const heldOut = capPerUser(columnsOf(requests.slice(last[0])), bound, wanted).map((i) => last[i]);
  return { training: every.subarray(0, heldOut[0]), heldOut };
}
