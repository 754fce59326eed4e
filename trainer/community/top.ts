/** Indices of the `count` highest scores, highest first; ties go to the lower index. */
export function topByScore(scores: Float32Array | Float64Array, count: number): number[] {
  // a min-heap of the best so far: most scores fail its root and cost one comparison
  const heap: number[] = [];
  const below = (a: number, b: number) => scores[a] < scores[b] || (scores[a] === scores[b] && a > b);
  for (let i = 0; i < scores.length; i++) {
    if (heap.length < count) siftUp(heap, i, below);
    // a tie goes to the one that is in; not `below`, which took five times as long for 25,000 scores
    else if (count > 0 && scores[i] > scores[heap[0]]) {
      heap[0] = i;
      siftDown(heap, below);
    }
  }
  return heap.sort((a, b) => (below(a, b) ? 1 : -1));
}

function siftUp(heap: number[], value: number, below: (a: number, b: number) => boolean): void {
  let at = heap.push(value) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!below(heap[at], heap[parent])) break;
    [heap[at], heap[parent]] = [heap[parent], heap[at]];
    at = parent;
  }
}

function siftDown(heap: number[], below: (a: number, b: number) => boolean): void {
  for (let at = 0; ; ) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2])
      if (child < heap.length && below(heap[child], heap[least])) least = child;
    if (least === at) return;
    [heap[at], heap[least]] = [heap[least], heap[at]];
    at = least;
  }
}
