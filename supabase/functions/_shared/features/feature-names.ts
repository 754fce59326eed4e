import { categories } from "./categories.ts";
import { pairFeatures, postFeatures, userFeatures } from "./ranker-features.ts";

/**
 * Every feature in the order of recsys.impressions.features, with what each says something about, since some names are of users and of posts:
 * as in recsys.explain() and the drift of recsys.daily_metrics.
 */
export const featureNames = [
  ...userFeatures.map((name) => `user ${name}`),
  ...postFeatures.map((name) => `post ${name}`),
  ...pairFeatures.map((name) => `pair ${name}`),
  ...categories.map(({ name }) => `category ${name}`),
];
