/** Logistic regression on all features: the dense ones standardised and clipped as in the DLRM, one weight per category. */
import { categoryRows } from "../../../supabase/functions/_shared/features/categories.ts";
import { denseWidth, type Standardisation, standardised } from "../../dlrm/dense-features.ts";
import { fitLogisticRegression } from "../../engine/logistic-regression.ts";
import type { FitHead } from "./calibrated-heads.ts";
import { rowWidth } from "./calibrated-heads.ts";

/** The penalty on the weights: that of a feature on which nothing depends stays near 0. */
const ridge = 1;

/** Fits one head; `standardisation` is that of the DLRM trained on the same rows. */
export function fitLogisticHead(standardisation: Standardisation): FitHead {
  return ({ read, labels, weights }, { training }) => {
    const raw = new Float32Array(rowWidth);
    const fitted = fitLogisticRegression(
      {
        count: training.length,
        width: denseWidth + categoryRows,
        read: (i, x) => {
          read(training[i], raw);
          expand(raw, standardisation, x);
        },
        labels: Uint8Array.from(training, (row) => labels[row]),
        weights: Float32Array.from(training, (row) => weights[row]),
      },
      ridge,
    );
    return (row) => {
      let logit = fitted[denseWidth + categoryRows];
      for (let f = 0; f < denseWidth; f++) logit += fitted[f] * standardised(row[f], f, standardisation);
      for (let c = denseWidth; c < rowWidth; c++) logit += fitted[denseWidth + row[c]];
      return logit;
    };
  };
}

/** A row as the regression sees it: standardised features, then a 1 at each of its categories. */
function expand(row: Float32Array, standardisation: Standardisation, x: Float64Array): void {
  for (let f = 0; f < denseWidth; f++) x[f] = standardised(row[f], f, standardisation);
  x.fill(0, denseWidth, denseWidth + categoryRows);
  for (let c = denseWidth; c < rowWidth; c++) x[denseWidth + row[c]] = 1;
}
