/** Where the right post came, from 1 (Infinity: its score was −Infinity, not in the list), and the head of the list. */
export interface Ranking {
  rank: number;
  top: Int32Array;
}

/**
 * Ranks the posts of `candidates` (1 where a post may be shown, one place a post) by score.
 * Equal scores stand in an order drawn from `salt`, the same for every recommender: by post number, a recommender that
 * knows nothing would borrow the order of time; last among equals, the list shown and the rank counted would disagree.
 * Throws where a score is NaN.
 */
export function rankOf(
  target: number,
  scores: Float64Array,
  candidates: Uint8Array,
  salt: number,
  topSize: number,
): Ranking {
  const targetScore = scores[target];
  const targetTie = tieOrder(target, salt);
  let better = 0;
  for (let post = 0; post < candidates.length; post++) {
    if (candidates[post] === 0) continue;
    const score = scores[post];
    if (score > targetScore || (score === targetScore && tieOrder(post, salt) < targetTie)) better++;
  }
  const rank = targetScore === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : better + 1;
  return { rank, top: topOf(scores, candidates, salt, topSize) };
}

/** The best `size` posts, best first, in the order of `rankOf`. */
export function topOf(scores: Float64Array, candidates: Uint8Array, salt: number, size: number): Int32Array {
  const top = new Int32Array(size);
  let filled = 0;
  let threshold = Number.NEGATIVE_INFINITY;
  // from the newest, because most lists lean to it and the fewest posts then move
  for (let post = candidates.length - 1; post >= 0; post--) {
    if (candidates[post] === 0) continue;
    const score = scores[post];
    if (Number.isNaN(score)) throw new Error(`The score of post number ${post} is NaN.`);
    if (score < threshold || score === Number.NEGATIVE_INFINITY) continue;
    let place = filled < size ? filled : size - 1;
    if (filled === size && !comesBefore(post, top[place], scores, salt)) continue;
    for (; place > 0 && comesBefore(post, top[place - 1], scores, salt); place--) top[place] = top[place - 1];
    top[place] = post;
    if (filled < size) filled++;
    if (filled === size) threshold = scores[top[size - 1]];
  }
  return top.slice(0, filled);
}

function comesBefore(a: number, b: number, scores: Float64Array, salt: number): boolean {
  return scores[a] > scores[b] || (scores[a] === scores[b] && tieOrder(a, salt) < tieOrder(b, salt));
}

/** A number for a post under a salt, different for every post (each step can be undone, so no two collide). */
function tieOrder(post: number, salt: number): number {
  let x = (post ^ salt) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
