import type { Recommender, Sizes } from "../protocols/recommender.ts";
import { Als } from "./als.ts";
import { Ease } from "./ease.ts";
import { ItemKnn } from "./item-knn.ts";
import { LogisticRegression } from "./logistic-regression.ts";
import { LastActive, MostRecent, Popularity, RecencyBaseline } from "./simple.ts";
import { TextKnn, TextKnnRecency } from "./text-knn.ts";

/** What everything is measured against in the live replay; the strongest, `hardestBaseline`, comes first. */
export function replayBaselines(sizes: Sizes): Recommender[] {
  return [
    new RecencyBaseline(),
    new LogisticRegression(sizes),
    new LastActive(sizes),
    new TextKnnRecency(sizes),
    new MostRecent(sizes),
    new Popularity(sizes, 7 * 24),
    new Popularity(sizes),
    new ItemKnn(sizes),
    new TextKnn(sizes),
    new Ease(sizes),
    // a live community has many more rows than a film data set: fewer factors and rounds, the same settings otherwise
    new Als(sizes, { factors: 32, iterations: 15 }),
  ];
}

export const hardestBaseline = "recency baseline";

/** What everything is measured against in one cut. ALS with 128 factors only where it takes no more than a few minutes. */
export function cutBaselines(sizes: Sizes): Recommender[] {
  const small = sizes.users + sizes.posts <= 10_000;
  return [
    new Popularity(sizes),
    new RecencyBaseline(),
    // longer than in the replay: taste in films does not change as quickly as what a community talks about
    new ItemKnn(sizes, 100),
    new TextKnn(sizes),
    new Ease(sizes),
    new Als(sizes, { factors: 32, iterations: small ? 60 : 15 }),
    ...(small ? [new Als(sizes, { factors: 128 })] : []),
  ];
}
