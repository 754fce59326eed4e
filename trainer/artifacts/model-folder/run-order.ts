/** By what `recsys runs` orders: a held-out metric, or time. */
export const orders = ["newest", "mrr", "recall@20"] as const;
export type Order = (typeof orders)[number];
