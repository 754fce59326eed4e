/** Indices of the `count` highest scores, highest first; ties go to the lower index. */
export function topByScore(scores: Float32Array | Float64Array, count: number): number[] {
  if (count === 0) return [];
  // a min-heap of the best so far: most scores fail its root and cost one comparison
  const heap = new Int32Array(Math.min(count, scores.length));
  for (let i = 0; i < heap.length; i++) siftUp(scores, heap, i, i);
  if (heap.length < scores.length) {
    let least = scores[heap[0]];
    for (let i = heap.length; i < scores.length; i++) {
      // a tie goes to the one that is in, whose index is lower
      if (scores[i] > least) {
        siftDown(scores, heap, i);
        least = scores[heap[0]];
      }
    }
  }
  return Array.from(heap).sort((a, b) => scores[b] - scores[a] || a - b);
}

/** Whether entry `a` goes before entry `b` when one has to go. */
function below(scores: Float32Array | Float64Array, a: number, b: number): boolean {
  return scores[a] < scores[b] || (scores[a] === scores[b] && a > b);
}

/** Puts a value into the heap of the first `at` entries. */
function siftUp(scores: Float32Array | Float64Array, heap: Int32Array, at: number, value: number): void {
  let place = at;
  for (let parent = (place - 1) >> 1; place > 0 && below(scores, value, heap[parent]); parent = (place - 1) >> 1) {
    heap[place] = heap[parent];
    place = parent;
  }
  heap[place] = value;
}

/** Puts a value in the root's stead. */
function siftDown(scores: Float32Array | Float64Array, heap: Int32Array, value: number): void {
  let place = 0;
  for (;;) {
    let least = 2 * place + 1;
    if (least >= heap.length) break;
    if (least + 1 < heap.length && below(scores, heap[least + 1], heap[least])) least++;
    if (!below(scores, heap[least], value)) break;
    heap[place] = heap[least];
    place = least;
  }
  heap[place] = value;
}
