import { categories } from "./categories.ts";
import { pairFeatures, postFeatures, userFeatures } from "./ranker-features.ts";

/**
 * All features in the order of recsys.impressions.features, prefixed by what they describe, since some names occur
 * twice. recsys.explain() and the drift in recsys.daily_metrics use the same names.
 */
export const featureNames = [
  ...userFeatures.map((name) => `user ${name}`),
  ...postFeatures.map((name) => `post ${name}`),
  ...pairFeatures.map((name) => `pair ${name}`),
  ...categories.map(({ name }) => `category ${name}`),
];
