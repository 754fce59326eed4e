/**
 * What the inputs of the graphs are: their names and order, and every value that changes what stands in them. A model
 * carries the spec it was trained with, and a function with another one refuses to serve it.
 */
import { categories } from "./categories.ts";
import { halfLives, weekHalfLifeIndex } from "./decay.ts";
import { dimensions, historyDecay } from "./history.ts";
import { nearestCount } from "./history-match.ts";
import { kinds } from "./kinds.ts";
import { clickRatePrior, pairFeatures, postFeatures, userFeatures } from "./ranker-features.ts";
import { habitDecay } from "./recent-habit.ts";
import { rankedSources, retrieval, sources } from "./retrieval.ts";
import { textDecay } from "./text-match.ts";
import type { VectorBasis } from "./text-vector.ts";
import { postFields, tokenId, tokenRows, userFields } from "./tokens.ts";
import { postNumbers, userNumbers } from "./tower-inputs.ts";
import { wordBreaks } from "./words.ts";

export const featureSpec = {
  dimensions,
  // the row of a word stands for the hash
  tokens: {
    rows: tokenRows,
    user: userFields,
    post: postFields,
    row_of_word: tokenId("word"),
    word_breaks: wordBreaks,
  },
  numbers: { user: userNumbers, post: postNumbers },
  ranker: { user: userFeatures, post: postFeatures, pair: pairFeatures, categories },
  kinds,
  sources: rankedSources.map((name) => ({ name, size: sources[name].size })),
  retrieval,
  half_lives: halfLives,
  half_life_of_logins: halfLives[weekHalfLifeIndex],
  decay: { history: historyDecay, habit: habitDecay, text: textDecay },
  click_rate_prior: clickRatePrior,
  nearest_of_history: nearestCount,
};

/** Whose vectors of posts a model reads, and by which basis of recsys_engine.vector_bases. */
export type VectorSpec = Omit<VectorBasis, "id" | "weights"> & {
  basis: string;
  /** Its user tower reads those of users, too. */
  users?: true | undefined;
};

/**
 * The spec of a model whose table of words has so many rows, and which reads such vectors. Its digest is that of the default: each graph says its own
 * number of rows, and whether it reads vectors.
 */
export const featureSpecOf = (rows = tokenRows, vectors?: VectorSpec) => ({
  ...featureSpec,
  tokens: { ...featureSpec.tokens, rows },
  ...(vectors && { vectors }),
});

/** sha256 of the spec, in hex. */
export async function featureSpecDigest(): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(featureSpec));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
