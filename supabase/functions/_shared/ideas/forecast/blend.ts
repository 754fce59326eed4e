/** Combines several forecasts: a weighted sum in log(1 + people), calibrated to the mean number of people. */
/** The single forecasts of a post, in log(1 + people). */
export interface Parts {
  words: number;
  nearest: number;
  author: number;
}

const names = ["words", "nearest", "author"] as const;

/** The fitted blend, as it is stored. */
export interface Blend {
  weights: Parts;
  /** Mean of each part, and mean target, in log(1 + people). */
  means: Parts;
  mean: number;
  /** Calibration factor: the mean of logarithms is below the logarithm of the mean. */
  scale: number;
}

/** The blended forecast of a post, in people, at least 0. */
export function blended({ weights, means, mean, scale }: Blend, parts: Parts): number {
  const sum = names.reduce((sum, name) => sum + weights[name] * (parts[name] - means[name]), mean);
  return Math.max(0, scale * Math.expm1(sum));
}

/**
 * Prior weights, since least squares on few posts is noise: mainly the author's mean, with a
 * quarter of words and nearest titles.
 */
const priorWeights: Parts = { words: 0.25, nearest: 0.25, author: 1 };
/** Weight of the prior weights, in posts. */
const priorPosts = 100;
const rounds = 200;
/** Weight of earlier posts' mean in the level, in posts: a few held-out posts may all have an audience of 0. */
const levelPosts = 20;

/**
 * Fits non-negative weights by least squares with a prior, from the parts and audiences of posts. `earlier`:
 * audiences of the posts before these.
 */
export function fitBlend(parts: Parts[], people: number[], earlier: number[]): Blend {
  const count = Math.max(1, parts.length);
  const targets = people.map(Math.log1p);
  const earlierMean = meanOf(earlier.map(Math.log1p));
  const mean = (sumOf(targets) + levelPosts * earlierMean) / (targets.length + levelPosts);
  const means = names.map((name) => meanOf(parts.map((each) => each[name])));
  const columns = names.map((name, n) => parts.map((each) => each[name] - means[n]));
  const weights = names.map((name) => priorWeights[name]);
  // coordinate descent
  for (let round = 0; round < rounds; round++)
    for (const [n, column] of columns.entries()) {
      const square = dot(column, column);
      if (square === 0) continue;
      const doubt = (square / count) * priorPosts;
      let product = 0;
      for (const [i, value] of column.entries()) {
        let others = 0;
        for (const [m, other] of columns.entries()) if (m !== n) others += weights[m] * other[i];
        product += value * (targets[i] - mean - others);
      }
      weights[n] = Math.max(0, (product + doubt * priorWeights[names[n]]) / (square + doubt));
    }
  const blend: Blend = { weights: partsOf(weights), means: partsOf(means), mean, scale: 1 };
  const said = sumOf(parts.map((each) => blended(blend, each))) + levelPosts * Math.expm1(earlierMean);
  const came = sumOf(people) + levelPosts * meanOf(earlier);
  return { ...blend, scale: said > 0 ? came / said : 1 };
}

function partsOf([words, nearest, author]: number[]): Parts {
  return { words, nearest, author };
}

function sumOf(values: number[]): number {
  return values.reduce((sum, each) => sum + each, 0);
}

function meanOf(values: number[]): number {
  return sumOf(values) / Math.max(1, values.length);
}

function dot(a: number[], b: number[]): number {
  return a.reduce((sum, each, i) => sum + each * b[i], 0);
}
