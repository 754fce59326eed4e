/** A regression tree, in flat arrays: node 0 is the root. */
export interface Tree {
  /** Of each node: the feature it splits by; −1: a leaf. */
  features: number[];
  /** A row whose feature is this or lower goes left; `bins` says the same of a binned row. */
  thresholds: number[];
  bins: number[];
  left: number[];
  right: number[];
  /** Of leaves: what they add to the logit. */
  values: number[];
}

/** What a tree says of a row. */
export function treeValue({ features, thresholds, left, right, values }: Tree, row: Float32Array): number {
  let node = 0;
  while (features[node] >= 0) node = row[features[node]] <= thresholds[node] ? left[node] : right[node];
  return values[node];
}

/** Adds what a tree says of each binned row, `rows` [logits, width], to its logit. */
export function addTree(
  { features, bins, left, right, values }: Tree,
  rows: Uint8Array,
  width: number,
  logits: Float64Array,
): void {
  for (let i = 0; i < logits.length; i++) {
    let node = 0;
    while (features[node] >= 0) node = rows[i * width + features[node]] <= bins[node] ? left[node] : right[node];
    logits[i] += values[node];
  }
}
