/**
 * Measures how well towers tell posts of a page that its reader interacted with from skipped ones: a page has one person and one moment, so taste alone
 * counts. Recall among all posts does not: posts' ID embeddings gain 0.012 to 0.026 of it, and cost an eighth of a page's worth (synthetic).
 */
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import type { Community } from "../../data/replay/community.ts";
import { evenlySpread } from "../nn/evenly-spread.ts";
import type { PageRequest, RankerRequest } from "../ranker/page-requests.ts";
import { hasEngaged } from "../ranker/requests.ts";
import { embedPosts, embedUsersAt } from "./embed.ts";
import { Histories } from "./histories.ts";
import type { TrainedTowers } from "./train.ts";

/** Pages that are asked at most. */
const mostAsked = 3000;
/** Fewer say too little. An app whose pages have one post each has none. Not tuned. */
const enough = 100;

/** The pages on which something was interacted with and something passed by; none where they are too few to judge by. */
export function informativePages(requests: RankerRequest[]): PageRequest[] {
  const telling = requests.filter(
    (request): request is PageRequest =>
      "shown" in request && new Set(request.shown.map(({ labels }) => hasEngaged(labels))).size === 2,
  );
  return telling.length < enough ? [] : telling;
}

/**
 * By page with both outcomes: the share of pairs of an engaged and a skipped post that the towers order right; 0.5:
 * by chance.
 */
export function pairwisePageAccuracy(
  community: Community,
  pages: PageRequest[],
): (trained: Pick<TrainedTowers, "towers" | "data">) => number[] {
  const histories = new Histories(community, Number.POSITIVE_INFINITY);
  const asked = evenlySpread(pages, mostAsked).map(({ user, at, shown }) => {
    const posts = (touched: boolean) =>
      shown.filter(({ labels }) => hasEngaged(labels) === touched).map(({ post }) => post);
    const moment = { user, history: histories.latest(user, at), followed: histories.followed(user, at) };
    return { ...moment, touched: posts(true), passed: posts(false) };
  });
  return ({ towers, data }) => {
    const postVectors = embedPosts(towers, data, community.posts.ids.length);
    const vectors = embedUsersAt(towers, data, asked, postVectors);
    return asked.map(({ touched, passed }, i) => {
      const score = (post: number) => innerProduct(vectors, i * dimensions, postVectors, post * dimensions, dimensions);
      let right = 0;
      for (const chosen of touched) for (const other of passed) right += order(score(chosen) - score(other));
      return right / (touched.length * passed.length);
    });
  };
}

function order(difference: number): number {
  return difference === 0 ? 0.5 : Number(difference > 0);
}
