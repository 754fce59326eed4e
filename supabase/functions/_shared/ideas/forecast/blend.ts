/** One forecast of several: a weighted sum on the scale of log(1 + people), made right on average on the scale of people. */
/** What each part says of a post, on the scale of log(1 + people). */
export interface Parts {
  words: number;
  nearest: number;
  author: number;
}

const names = ["words", "nearest", "author"] as const;

/** As it is stored. */
export interface Blend {
  weights: Parts;
  /** What each part says on average, and what comes on average, on the scale of log(1 + people). */
  means: Parts;
  mean: number;
  /** The mean of logarithms is less than the logarithm of the mean. */
  scale: number;
}

/** What a blend says of a post, in people; 0 or more. */
export function blended({ weights, means, mean, scale }: Blend, parts: Parts): number {
  const sum = names.reduce((sum, name) => sum + weights[name] * (parts[name] - means[name]), mean);
  return Math.max(0, scale * Math.expm1(sum));
}

/**
 * Before anything is known the author's mean is believed, and of what words and nearest titles say a quarter each: on 50 posts weights of least squares
 * are noise. travel-se .391 and 2.02, with half of each .389 and 1.995; of its cuts of 300 to 1,000 posts none is better by more than chance.
 */
const priorWeights: Parts = { words: 0.25, nearest: 0.25, author: 1 };
/** For how many posts that counts. */
const priorPosts = 100;
const rounds = 200;
/** For how many posts the level of earlier ones counts: of five that are held out, all may be nobody's. */
const levelPosts = 20;

/**
 * Weights of 0 or more by least squares, drawn towards the prior; from what each part said of some posts and what came. `earlier`: people of
 * the posts before these.
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
