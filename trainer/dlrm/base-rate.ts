/**
 * Where the ranker's base rate starts: how likely this user is to view, vote or comment at all when they are shown
 * candidates. One logistic regression per head over what is the same for all candidates of a request. The heads' shares of
 * a request cannot say it, and some people never vote.
 */
import { categories, requestCategories } from "../../supabase/functions/_shared/features/categories.ts";
import { innerProduct } from "../../supabase/functions/_shared/features/inner-product.ts";
import { userFeatures } from "../../supabase/functions/_shared/features/ranker-features.ts";
import { fitLogisticRegression } from "../engine/logistic-regression.ts";
import { denseWidth, type Standardisation, standardised } from "./dense-features.ts";
import type { RankingExamples } from "./ranking-examples.ts";

export interface BaseRate {
  /** [userFeatures, heads], of standardised features. */
  dense: Float32Array;
  /** [rows of the request's categories, heads] */
  categories: Float32Array;
  /** [heads] */
  bias: Float32Array;
  /** [requests, heads]: what it says of the requests it was fitted to. */
  of: Float32Array;
}

const tableRows = categories.slice(0, requestCategories).reduce((sum, { size }) => sum + size, 0);

/**
 * Fits the base rate to what was done in some requests, and to one more in which everything was done and one in which nothing
 * was: what nobody ever did stays possible.
 */
export function fitBaseRate(
  examples: RankingExamples,
  requests: Uint32Array,
  standardisation: Standardisation,
  ridge: number,
): BaseRate {
  const u = userFeatures.length;
  const width = u + tableRows;
  const heads = examples.heads.length;
  const baseRate: BaseRate = {
    dense: new Float32Array(u * heads),
    categories: new Float32Array(tableRows * heads),
    bias: new Float32Array(heads),
    of: new Float32Array(requests.length * heads),
  };
  const read = (i: number, x: Float64Array) => {
    x.fill(0, 0, width);
    if (i >= requests.length) return;
    const row = examples.rowOf(requests[i]);
    for (let f = 0; f < u; f++) x[f] = standardised(examples.dense[row * denseWidth + f], f, standardisation);
    for (let c = 0; c < requestCategories; c++) x[u + examples.categories[row * categories.length + c]] = 1;
  };
  const x = new Float64Array(width + 1).fill(1, width);
  for (let head = 0; head < heads; head++) {
    const done = Array.from(requests, (request) => Math.min(1, examples.positives(request, head)));
    const labels = [...done, 1, 0];
    const w = fitLogisticRegression({ count: labels.length, width, read, labels }, ridge);
    for (let f = 0; f < u; f++) baseRate.dense[f * heads + head] = w[f];
    for (let c = 0; c < tableRows; c++) baseRate.categories[c * heads + head] = w[u + c];
    baseRate.bias[head] = w[width];
    for (let i = 0; i < requests.length; i++) {
      read(i, x);
      baseRate.of[i * heads + head] = 1 / (1 + Math.exp(-innerProduct(x, 0, w, 0, width + 1)));
    }
  }
  return baseRate;
}
