import type { Follows } from "../../data/replay/community.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";
import { als, ease, itemKnn } from "./collaborative.ts";
import { logisticRegression } from "./logistic-regression.ts";
import { followedTouched, lastActive, mostRecent, popularity, recencyBaselineRecommender } from "./simple.ts";
import { textKnn, textKnnRecency } from "./text-knn.ts";

/** What everything is measured against in the live replay; the strongest, `hardestBaseline`, comes first. */
export function replayBaselines(sizes: Sizes, follows?: Follows): Recommender[] {
  return [
    recencyBaselineRecommender(),
    logisticRegression(sizes),
    lastActive(sizes),
    textKnnRecency(sizes),
    mostRecent(sizes),
    popularity(sizes, 7 * 24),
    popularity(sizes),
    itemKnn(sizes),
    textKnn(sizes),
    ease(sizes),
    // a live community has many more rows than a film data set: fewer factors and rounds, the same settings otherwise
    als(sizes, { factors: 32, iterations: 15 }),
    ...ofFollows(sizes, follows),
  ];
}

export const hardestBaseline = "recency baseline";

/** What everything is measured against in one cut. ALS with 128 factors only where it takes no more than a few minutes. */
export function cutBaselines(sizes: Sizes, follows?: Follows): Recommender[] {
  const small = sizes.users + sizes.posts <= 10_000;
  return [
    popularity(sizes),
    recencyBaselineRecommender(),
    // longer than in the replay: taste in films does not change as quickly as what a community talks about
    itemKnn(sizes, 100),
    textKnn(sizes),
    ease(sizes),
    als(sizes, { factors: 32, iterations: small ? 60 : 15 }),
    ...(small ? [als(sizes, { factors: 128 })] : []),
    ...ofFollows(sizes, follows),
  ];
}

/** What needs to know who follows whom. */
function ofFollows(sizes: Sizes, follows: Follows | undefined): Recommender[] {
  return follows ? [followedTouched(sizes, follows)] : [];
}
