export { fitLogisticRegression as newton, type LogisticRows } from "./logistic-regression.ts";
