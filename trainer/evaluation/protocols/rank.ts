import { Random } from "../../models/nn/random.ts";
import type { CommunityEvent } from "../history/event-walk.ts";
import type { Sizes } from "./recommender.ts";

/** The rank of the right post, from 1 (Infinity: its score was −Infinity, not in the list), and the head of the list. */
interface Ranking {
  rank: number;
  top: Int32Array;
}

/** How long the lists are of which a protocol keeps the head. */
export const listLength = 100;

/**
 * Ranks the posts of `candidates` (by post, 1 where it may be shown) by score; of equal scores the newer post (higher number) comes
 * first, as in a feed of unknown posts, which favours simple baselines with many equal scores. Throws where a score is NaN.
 */
export function rankOf(target: number, scores: Float64Array, candidates: Uint8Array, topSize: number): Ranking {
  return { rank: targetRanks([target], scores, candidates)[0], top: topOf(scores, candidates, topSize) };
}

/** The ranks of several posts in the same list. */
export function targetRanks(targets: number[], scores: Float64Array, candidates: Uint8Array): number[] {
  return targets.map((target) => {
    const targetScore = scores[target];
    if (targetScore === Number.NEGATIVE_INFINITY) return Number.POSITIVE_INFINITY;
    let better = 0;
    for (let post = 0; post < candidates.length; post++) {
      if (candidates[post] === 0) continue;
      if (scores[post] > targetScore || (scores[post] === targetScore && post > target)) better++;
    }
    return better + 1;
  });
}

/** The best `size` posts, best first, in the order of `rankOf`. */
export function topOf(scores: Float64Array, candidates: Uint8Array, size: number): Int32Array {
  const top = new Int32Array(size);
  let filled = 0;
  let threshold = Number.NEGATIVE_INFINITY;
  // from the newest: an equal score then never moves up, and as most lists favour the new, few posts move at all
  for (let post = candidates.length - 1; post >= 0; post--) {
    if (candidates[post] === 0) continue;
    const score = scores[post];
    if (Number.isNaN(score)) throw new Error(`The score of post number ${post} is NaN.`);
    if (score <= threshold) continue;
    let at = filled < size ? filled++ : size - 1;
    for (; at > 0 && score > scores[top[at - 1]]; at--) top[at] = top[at - 1];
    top[at] = post;
    if (filled === size) threshold = scores[top[size - 1]];
  }
  return top.slice(0, filled);
}

/** Which posts a user may be shown now: 1 for posts that exist, are not theirs and they did not interact with. */
export class Exclusion {
  private readonly candidates: Uint8Array;
  private readonly seen: number[][];

  constructor({ users, posts }: Sizes) {
    this.candidates = new Uint8Array(posts);
    this.seen = Array.from({ length: users }, () => []);
  }

  observe(event: CommunityEvent): void {
    if (event.type === "post") this.candidates[event.post] = 1;
    if (event.user >= 0) this.seen[event.user].push(event.post);
  }

  /** Valid until `release`. */
  candidatesOf(user: number): Uint8Array {
    for (const post of this.seen[user]) this.candidates[post] = 0;
    return this.candidates;
  }

  release(user: number): void {
    for (const post of this.seen[user]) this.candidates[post] = 1;
  }
}

/** `size` of the numbers 0 to n − 1 in rising order, uniformly by seed; all of them where there are no more. */
export function sample(n: number, size: number, seed: number): Int32Array {
  const order = new Random(seed).shuffle(Int32Array.from({ length: n }, (_, i) => i));
  return order.subarray(0, size).sort();
}
