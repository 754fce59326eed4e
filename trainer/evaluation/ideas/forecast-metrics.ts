/** How good forecasts of audiences are: as an order, and of the posts that they recommend most. */

/** Spearman's rank correlation, ties with their mean rank; NaN where either side is the same throughout. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [meanRanks(a), meanRanks(b)];
  const middle = (x.length - 1) / 2;
  let [both, left, right] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    both += (x[i] - middle) * (y[i] - middle);
    left += (x[i] - middle) ** 2;
    right += (y[i] - middle) ** 2;
  }
  return both / Math.sqrt(left * right);
}

/** Mean audience of the tenth that was forecast highest, as a multiple of that of all; of equal forecasts the earlier posts. */
export function bestTenth(forecasts: ArrayLike<number>, people: ArrayLike<number>): number {
  const order = Array.from({ length: forecasts.length }, (_, i) => i).sort((a, b) => forecasts[b] - forecasts[a]);
  const tenth = order.slice(0, Math.ceil(order.length / 10));
  return meanAt(people, tenth) / meanAt(people, order);
}

function meanAt(values: ArrayLike<number>, places: number[]): number {
  return places.reduce((sum, place) => sum + values[place], 0) / places.length;
}

function meanRanks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) ranks[order[i]] = (start + end - 1) / 2;
    start = end;
  }
  return ranks;
}
