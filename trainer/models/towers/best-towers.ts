/**
 * Trains towers in more than one way and lets later interactions decide, or, where pages teach, interactions on each page:
 * - posts get no ID embedding where pages teach, unless it surely orders more pages right: pages by similarity earn 0.692,
 *   0.682 and 0.700 of the true law's with it, 0.797, 0.778 and 0.790 without
 *   (docs/research/experiments.md#pages-of-a-small-community). Such a training ends after half of the epochs if it is behind
 *   there;
 * - they begin at the factors of ALS where these make later interactions surely likelier, else at zero. MovieLens, random
 *   instants: loss 5.90 against 6.05 from zero, R@20 0.425 and 0.382; in its own times 6.13 and 6.10, 0.257 and 0.282;
 * - they read the app's own vectors unless they find fewer later posts with them: +0.03 to +0.12 of R@20 on 500 posts of
 *   travel-se, -0.002 to -0.031 on the synthetic community. The loss does not tell: -0.07 to +0.05 where recall gains.
 */
import type { OnProgress } from "../../../db/progress.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { type Community, withoutVectors } from "../../data/replay/community.ts";
import type { LoadedCommunity } from "../../data/replay/from-database.ts";
import type { Neighbours } from "../../data/replay/neighbours.ts";
import { CommunityState } from "../../data/replay/state.ts";
import { estimate, meanOf } from "../../evaluation/metrics/statistics.ts";
import { evenlySpread } from "../nn/evenly-spread.ts";
import type { BipartiteInteractions } from "../nn/implicit-als.ts";
import type { RankerRequest } from "../ranker/page-requests.ts";
import type { LaterRequest } from "../ranker/requests.ts";
import { factorisedTowers } from "./als-init.ts";
import { embedPosts, embedUsersAt } from "./embed.ts";
import { Histories } from "./histories.ts";
import { informativePages, pairwisePageAccuracy } from "./pairwise-page-accuracy.ts";
import { type TowerOptions, type TrainedTowers, trainTowers } from "./train.ts";

/** Later first interactions that are asked at most, evenly spread. */
const mostAsked = 1000;
/** By so many standard errors the factors, or posts' ID embeddings where pages teach, must gain. */
const surely = 2;
/** A later post is found among so many, as recall is measured. */
const among = 20;

/** What the towers learn from; `later`: first interactions that they do not, in order of time. The factors are tried where there are neighbours. */
export interface TowerPlan {
  cameTo: BipartiteInteractions;
  later: LaterRequest[];
  towers: TowerOptions;
  neighbours: Neighbours | undefined;
  /** Of the ranker; the towers learn nothing of them. */
  requests: RankerRequest[];
}

/** What trains towers. */
export interface TowerTrainer {
  towers: typeof trainTowers;
  /** Whether they were trained before, by another trainer: reading all vectors of the app's own, and not step by step. */
  elsewhere?: boolean;
}

/** Trains the towers in each way that there is, and gives the best. The first way is without ID embeddings of posts where pages tell. */
export async function trainBestTowers(
  loaded: LoadedCommunity,
  { cameTo, later, towers: options, neighbours, requests }: TowerPlan,
  { towers: train, elsewhere = false }: TowerTrainer = { towers: trainTowers },
  onProgress?: OnProgress,
  signal?: AbortSignal,
): Promise<TrainedTowers> {
  let { community } = loaded;
  const pages = informativePages(requests);
  const judgePages = pages.length > 0 ? pairwisePageAccuracy(community, pages) : undefined;
  const halfway = Math.ceil((options.epochs ?? options.epochsOf[options.histories ?? "before"]) / 2);
  let halfwayValues: number[] = [];
  const first: TowerOptions = {
    ...options,
    withoutPostIds: pages.length > 0,
    goesOn(epoch, towers) {
      if (judgePages && epoch === halfway) halfwayValues = judgePages(towers);
      return true;
    },
  };
  let best = await train(community, first, onProgress, signal);
  let halfwayOfBest = halfwayValues;
  const others = elsewhere ? [] : withFewerVectors(community);
  if (later.length === 0 || (others.length === 0 && pages.length === 0 && !neighbours)) return best;
  // where pages tell and nothing is tried besides, it is not needed, and it walks through the timeline
  let known: ReturnType<typeof judgeOf> | undefined;
  const judge = (towers: TrainedTowers) => {
    known ??= judgeOf(loaded, later, options);
    return known(towers);
  };
  if (others.length > 0) {
    let { found } = judge(best);
    for (const other of others) {
      const towers = await train(other, first, onProgress, signal);
      const ofOther = judge(towers).found;
      if (meanOf(ofOther) > meanOf(found))
        [community, best, found, halfwayOfBest] = [other, towers, ofOther, halfwayValues];
    }
  }
  const judged = judgePages ?? ((towers: TrainedTowers) => judge(towers).likelihoods);
  let values = judged(best);
  const takeIfBetter = async (towers: TrainedTowers) => {
    const ofOther = judged(towers);
    if (isSurelyBetter(ofOther, values)) [best, values] = [towers, ofOther];
  };
  if (judgePages) {
    // ID embeddings that order fewer pages right after half of the epochs order still fewer after all
    const goesOn: TowerOptions["goesOn"] = (epoch, towers) =>
      epoch !== halfway || meanOf(judgePages(towers)) > meanOf(halfwayOfBest);
    await takeIfBetter(await train(community, { ...options, goesOn }, onProgress, signal));
  }
  if (neighbours) {
    const factors = factorisedTowers(community, cameTo, options);
    await takeIfBetter(await train(community, options, onProgress, signal, factors));
  }
  return best;
}

function isSurelyBetter(values: number[], others: number[]): boolean {
  const { mean, error } = estimate(values.map((value, i) => value - others[i]));
  return mean > surely * error;
}

/** The community without its users' vectors, where they have some, and without any. */
function withFewerVectors(community: Community): Community[] {
  if (!community.posts.vectors) return [];
  const without = withoutVectors(community);
  return community.users.vectors ? [{ ...community, users: without.users }, without] : [without];
}

/** What towers make of later first interactions, one after the other. */
interface Judged {
  /** Logarithm of the post's share among all posts of then that were new to its user. */
  likelihoods: number[];
  /** 1: fewer than `among` of these are nearer to the user. */
  found: number[];
}

/** Judges trained towers by later requests. */
function judgeOf({ community, timeline }: LoadedCommunity, later: LaterRequest[], { temperature }: TowerOptions) {
  const state = new CommunityState(community, timeline);
  const histories = new Histories(community, Number.POSITIVE_INFINITY);
  const requests = evenlySpread(later, mostAsked).map(({ event, user, post, at }) => {
    state.advance(event, at);
    const known = new Set(state.leftOut(user)).add(post);
    const moment = { user, history: histories.latest(user, at, post), followed: histories.followed(user, at) };
    return { ...moment, post, known, alive: state.alive };
  });
  return ({ towers, data }: TrainedTowers): Judged => {
    const postVectors = embedPosts(towers, data, community.posts.ids.length);
    const vectors = embedUsersAt(towers, data, requests, postVectors);
    const judged: Judged = { likelihoods: [], found: [] };
    for (const [i, { post, known, alive }] of requests.entries()) {
      const score = (each: number) =>
        innerProduct(vectors, i * dimensions, postVectors, each * dimensions, dimensions) / temperature;
      const own = score(post);
      let [others, nearer] = [0, 0];
      for (let each = 0; each < alive; each++) {
        if (known.has(each)) continue;
        const difference = score(each) - own;
        others += Math.exp(difference);
        if (difference > 0) nearer++;
      }
      judged.likelihoods.push(-Math.log1p(others));
      judged.found.push(nearer < among ? 1 : 0);
    }
    return judged;
  };
}
