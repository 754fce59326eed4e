/**
 * Builds the ranker's training examples: candidates of retrieval at some requests, by towers of their time, which learn between the requests. With
 * towers of an earlier time pages of new users earned 0.621 of the true law's, now 0.636 (docs/research/experiments.md#towers-of-their-time).
 */
import type { OnProgress } from "../db/progress.ts";
import type { Head } from "../supabase/functions/_shared/features/kinds.ts";
import type { TrainedModel, WarmStartModel } from "./artifacts/model-folder/trained-model.ts";
import type { LoadedCommunity } from "./data/replay/from-database.ts";
import { Random } from "./models/nn/random.ts";
import { denseWidth, isNewUser } from "./models/ranker/dense-features.ts";
import { gathering, type RequestsOfTime, type RequestUsers, rankingExamples } from "./models/ranker/examples.ts";
import type { NewUserHoldout } from "./models/ranker/new-users.ts";
import type { RankerRequest } from "./models/ranker/page-requests.ts";
import type { RankerParts, RankingExamples } from "./models/ranker/ranking-examples.ts";
import { embedPosts, embedUsersAt } from "./models/towers/embed.ts";
import { Histories } from "./models/towers/histories.ts";
import { readsVectors } from "./models/towers/network.ts";
import type { TrainedTowers } from "./models/towers/train.ts";
import { rankerPartsOf } from "./select-training-data.ts";
import { type Config, defaultConfig } from "./training/config/config.ts";

/** The requests that are learned from are of so many times, those held out of one more: with eight, pages by score were worth as much. */
const times = 4;

export interface RankerExampleOptions {
  seed: number;
  /** Only what happened before this instant (milliseconds) is learned from; default: everything. */
  until?: number;
  config?: Config | undefined;
  /** The model whose ranker goes on with them. */
  from?: WarmStartModel | undefined;
  onProgress?: OnProgress;
  signal?: AbortSignal | undefined;
}

/** What brings the ranker its candidates. */
export interface RetrievalModel
  extends Pick<TrainedTowers, "towers" | "data">,
    Partial<Pick<TrainedModel, "neighbours">> {
  /** Takes the towers on, in place, with what happened from an instant until another, and tells of each of its steps. Left out: they stay as they are. */
  goOn?: ((from: number, until: number, onStep: () => void) => Promise<void>) | undefined;
}

/** What a ranker is trained on. */
interface RankerLessons {
  examples: RankingExamples;
  parts: RankerParts;
  /** Those held out, as if their people were new; not where an earlier ranker is fine-tuned. */
  ofNewUsers?: () => Promise<NewUserHoldout>;
}

/** Gathers what retrieval would have shown at some requests. */
export async function buildRankerExamples(
  loaded: LoadedCommunity,
  requests: RankerRequest[],
  heads: readonly Head[],
  { towers, data, neighbours, goOn }: RetrievalModel,
  options: RankerExampleOptions,
): Promise<RankerLessons> {
  const { seed, until = Number.POSITIVE_INFINITY, config = defaultConfig, from, onProgress, signal } = options;
  const { ranker } = config;
  const { community, timeline } = loaded;
  const random = new Random(seed);
  const histories = new Histories(community, until);
  const ofPages = "shown" in requests[0];
  const actsOf = () => (ofPages ? drawActs(ranker, random) : all);
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
  // all of them are new to a ranker that goes on: nothing need be held out to see whether it fits them too well
  const every = Uint32Array.from(requests.keys());
  const parts = from ? { training: every, heldOut: new Uint32Array() } : rankerPartsOf(requests, config);
  let postVectors: Float32Array;
  const examples = await rankingExamples(community, timeline, requests, ofTheirTime(), exampleOptions);
  return { examples, parts, ...(!from && { ofNewUsers: heldOutOfNewUsers }) };

  async function heldOutOfNewUsers(): Promise<NewUserHoldout> {
    const last = Array.from(parts.heldOut, (request) => requests[request]);
    const users = usersOf(last, { towers, data }, histories, postVectors, () => 0, nobody);
    const asNew = [{ until: last.length, users, postVectors }];
    const options = { ...exampleOptions, onProgress: undefined };
    return {
      requests: parts.heldOut.filter((request) => isNewUser(examples.dense, examples.rowOf(request) * denseWidth)),
      examples,
      asNew: await rankingExamples(community, timeline, last, asNew, options),
    };
  }

  /** The requests of one time after the other. The held-out ones are the last, so the towers are as of where these begin in the end. */
  async function* ofTheirTime(): AsyncGenerator<RequestsOfTime> {
    const starts = goOn ? startsOfTimes(parts) : [0];
    for (const [i, start] of starts.entries()) {
      const onStep = () => onProgress?.({ step: gathering, done: start, total: requests.length });
      if (i > 0) await goOn?.(requests[starts[i - 1]].at, requests[start].at, onStep);
      const end = starts[i + 1] ?? requests.length;
      postVectors = embedPosts(towers, data, community.posts.ids.length);
      const those = requests.slice(start, end);
      yield {
        until: end,
        users: usersOf(those, { towers, data }, histories, postVectors, actsOf, isHalf),
        postVectors,
      };
    }
  }
}

/** The numbers of the requests with which a time begins. */
function startsOfTimes({ training, heldOut }: RankerParts): number[] {
  const starts = Array.from({ length: times }, (_, i) => Math.floor((i * training.length) / times));
  return [...new Set([...starts, ...heldOut.subarray(0, 1)])];
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
 * Half of the people, who keep their follows where they are shown as new, so that the ranker learns the follows of new people: a
 * page by score earned 0.541 of the true law instead of 0.512 (synthetic community, seed 1, people who had just signed up).
 */
function isHalf(user: number): boolean {
  return user % 2 === 0;
}

/**
 * The users of some requests, each with their history at that moment, or as new users, with their follows or
 * without.
 */
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

const nobody = () => false;
