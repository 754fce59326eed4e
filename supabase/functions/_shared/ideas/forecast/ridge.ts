/**
 * Ridge regression on words (Hoerl & Kennard, 1970), solved by conjugate gradients; a step
 * takes time linear in the number of words.
 */
import { conjugateGradients } from "../../features/conjugate-gradients.ts";
import { innerProduct } from "../../features/inner-product.ts";

export interface Ridge {
  /** Prediction for a text without known words. */
  mean: number;
  /** Weight of each word. */
  weights: Map<string, number>;
}

export interface RidgeOptions {
  /** Ridge penalty, in texts. */
  penalty: number;
  /** Minimum number of texts with a word; rarer words are ignored. */
  leastTexts: number;
}

const maximumSteps = 50;
/** Stops once the residual has fallen to this fraction of its start. */
const tolerance = 1e-4;

/** Fits `targets` of texts, each given as its distinct words. */
export function fitRidge(texts: string[][], targets: Float64Array, { penalty, leastTexts }: RidgeOptions): Ridge {
  const counts = new Map<string, number>();
  for (const text of texts) for (const word of text) counts.set(word, (counts.get(word) ?? 0) + 1);
  const numbers = new Map<string, number>();
  for (const [word, count] of counts) if (count >= leastTexts) numbers.set(word, numbers.size);
  const rows = texts.map((text) => Int32Array.from(text.flatMap((word) => numbers.get(word) ?? [])));
  const mean = targets.reduce((sum, each) => sum + each, 0) / Math.max(1, targets.length);

  const solution = new Float64Array(numbers.size);
  const residual = new Float64Array(numbers.size);
  for (const [t, row] of rows.entries()) for (const word of row) residual[word] += targets[t] - mean;
  const multiply = (direction: Float64Array) => {
    const image = direction.map((each) => penalty * each);
    for (const row of rows) {
      let sum = 0;
      for (const word of row) sum += direction[word];
      for (const word of row) image[word] += sum;
    }
    return image;
  };
  const square = innerProduct(residual, 0, residual, 0, residual.length);
  conjugateGradients(solution, residual, multiply, maximumSteps, square * tolerance ** 2);
  return { mean, weights: new Map(Array.from(numbers, ([word, number]) => [word, solution[number]])) };
}

/** The prediction for a text. */
export function predictRidge({ mean, weights }: Ridge, text: readonly string[]): number {
  let sum = mean;
  for (const word of text) sum += weights.get(word) ?? 0;
  return sum;
}
