/** The names and order of every input of the graphs. A model carries the spec it was trained with; serving compares. */
import { dimensions, historyDecay, historyLength } from "./history.ts";
import { categories, pairFeatures, postFeatures, userFeatures } from "./ranker-features.ts";
import { postFields, tokenRows, userFields } from "./tokens.ts";
import { postNumbers, userNumbers } from "./tower-inputs.ts";

export const featureSpec = {
  version: 1,
  dimensions,
  history: { length: historyLength, decay: historyDecay },
  tokens: { rows: tokenRows, user: userFields, post: postFields },
  numbers: { user: userNumbers, post: postNumbers },
  ranker: { user: userFeatures, post: postFeatures, pair: pairFeatures, categories },
};

/** sha256 of the spec, in hex. */
export async function featureSpecDigest(): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(featureSpec));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
