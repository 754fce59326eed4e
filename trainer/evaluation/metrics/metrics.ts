export * from "./classification-metrics.ts";
export * from "./list-metrics.ts";
export * from "./ranking-metrics.ts";
