/**
 * The inputs of the graphs: names, order, and every constant that changes their values. A model stores the spec of its
 * training; a function with another spec refuses to serve it.
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
  // stands for the hash function
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

/** Which vectors of posts a model reads: their encoder, and the basis in recsys_engine.vector_bases. */
export type VectorSpec = Omit<VectorBasis, "id" | "weights"> & {
  basis: string;
  /** Whether its user tower reads the users' vectors too. */
  users?: true | undefined;
};

/**
 * The spec of a model with this many token rows that reads these vectors. Its digest is that of the default spec, since
 * each graph states its own rows and vector inputs.
 */
export const featureSpecOf = (rows = tokenRows, vectors?: VectorSpec) => ({
  ...featureSpec,
  tokens: { ...featureSpec.tokens, rows },
  ...(vectors && { vectors }),
});

/** SHA-256 of the spec, in hex. */
export async function featureSpecDigest(): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(featureSpec));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
