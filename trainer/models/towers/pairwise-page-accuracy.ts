/**
 * How well towers tell, of what was on one page, what its reader came to from what they passed by. All of a page was shown to the same person at the same
 * moment, so neither popularity nor what was new that day helps: what is left is taste. Later interactions among all posts do not tell. In the synthetic
 * community posts' ID embeddings find .012 to .026 more of them among the first 20, and cost an eighth of what a page by similarity earns.
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

/** The pages on which something was come to and something passed by; none where they are too few to judge by. */
export function informativePages(requests: RankerRequest[]): PageRequest[] {
  const telling = requests.filter(
    (request): request is PageRequest =>
      "shown" in request && new Set(request.shown.map(({ labels }) => hasEngaged(labels))).size === 2,
  );
  return telling.length < enough ? [] : telling;
}

/** Gives of each telling page the share of pairs, of what was come to and what was passed by, that the towers order right; .5: by chance. */
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
