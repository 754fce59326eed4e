/**
 * What the inputs of the graphs are: their names and order, and every value that changes what stands in them. A model
 * carries the spec it was trained with, and a function with another one refuses to serve it.
 */
import { categories } from "./categories.ts";
import { halfLives } from "./decay.ts";
import { dimensions, historyDecay } from "./history.ts";
import { nearestCount } from "./history-match.ts";
import { clickRatePrior, pairFeatures, postFeatures, userFeatures } from "./ranker-features.ts";
import { habitDecay } from "./recent-habit.ts";
import { retrieval, sources } from "./retrieval.ts";
import { textDecay } from "./text-match.ts";
import { postFields, tokenRows, userFields } from "./tokens.ts";
import { postNumbers, userNumbers } from "./tower-inputs.ts";

export const featureSpec = {
  dimensions,
  tokens: { rows: tokenRows, user: userFields, post: postFields },
  numbers: { user: userNumbers, post: postNumbers },
  ranker: { user: userFeatures, post: postFeatures, pair: pairFeatures, categories },
  sources,
  retrieval,
  half_lives: halfLives,
  decay: { history: historyDecay, habit: habitDecay, text: textDecay },
  click_rate_prior: clickRatePrior,
  nearest_of_history: nearestCount,
};

/** sha256 of the spec, in hex. */
export async function featureSpecDigest(): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(featureSpec));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
