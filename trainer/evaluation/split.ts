import type { Community } from "../community/community.ts";
import { NumpyRandom } from "./numpy-random.ts";

/** What trains, and what each user is tested on (posts by user; no entry: not tested). */
export interface Split {
  training: Community;
  test: Map<number, number[]>;
  /** When lists are made: after the last training interaction, or at the cut. */
  at: number;
}

/**
 * Puts each distinct (user, post) pair into the test with the chance `testShare`, with all its interactions. The numbers are
 * those of numpy's default_rng(seed).random(pairs) < testShare, pairs in order of time, so Python can draw the same split.
 */
export function randomSplit(community: Community, testShare: number, seed: number): Split {
  const { at } = community.interactions;
  const random = new NumpyRandom(seed);
  const tested = firstOfPairs(community).filter(() => random.uniform() < testShare);
  return split(community, tested, () => true, at.length === 0 ? 0 : at[at.length - 1]);
}

/** Training is what happened before an instant, the test the pairs that first happen from then on. */
export function timeSplit(community: Community, instant: number): Split {
  const { at } = community.interactions;
  const firsts = firstOfPairs(community).filter((i) => at[i] >= instant);
  return split(community, firsts, (i) => at[i] < instant, instant);
}

function split(community: Community, testFirsts: number[], trains: (i: number) => boolean, at: number): Split {
  const { interactions } = community;
  const test = new Map<number, number[]>();
  const held = new Set<number>();
  for (const i of testFirsts) {
    const user = interactions.users[i];
    test.set(user, [...(test.get(user) ?? []), interactions.posts[i]]);
    held.add(pairOf(community, i));
  }
  const kept = Array.from(interactions.at.keys()).filter((i) => trains(i) && !held.has(pairOf(community, i)));
  const training = {
    ...community,
    interactions: {
      users: Int32Array.from(kept, (i) => interactions.users[i]),
      posts: Int32Array.from(kept, (i) => interactions.posts[i]),
      kinds: Uint8Array.from(kept, (i) => interactions.kinds[i]),
      at: Float64Array.from(kept, (i) => interactions.at[i]),
    },
  };
  return { training, test, at };
}

function firstOfPairs(community: Community): number[] {
  const seen = new Set<number>();
  return Array.from(community.interactions.at.keys()).filter((i) => {
    const pair = pairOf(community, i);
    const first = !seen.has(pair);
    seen.add(pair);
    return first;
  });
}

function pairOf({ interactions, posts }: Community, i: number): number {
  return interactions.users[i] * posts.ids.length + interactions.posts[i];
}
