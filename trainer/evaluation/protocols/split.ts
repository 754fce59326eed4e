import { pickRows } from "../../data/replay/columns.ts";
import type { Community } from "../../data/replay/community.ts";
import { firstInteractions } from "../../data/replay/first-interactions.ts";
import { communityBefore } from "../history/event-walk.ts";
import { NumpyRandom } from "./numpy-random.ts";

/** The training data, and each user's test posts (no entry: not tested). No user is tested on their own post. */
interface Split {
  /** Its posts are the catalogue. */
  training: Community;
  test: Map<number, number[]>;
  /** When lists are made: after the last training interaction, or at the cut. */
  at: number;
}

/**
 * Puts each distinct (user, post) pair, own posts aside, into the test with the chance `testShare`, with all its interactions. The numbers are
 * those of numpy's default_rng(seed).random(pairs) < testShare, pairs in order of time, so Python can draw the same split.
 */
export function randomSplit(community: Community, testShare: number, seed: number): Split {
  const { interactions } = community;
  const random = new NumpyRandom(seed);
  const tested = firstInteractions(community.posts, interactions).filter(() => random.uniform() < testShare);
  const held = new Set(Array.from(tested, (i) => pairOf(community, i)));
  const kept = Array.from(interactions.at.keys()).filter((i) => !held.has(pairOf(community, i)));
  const training = { ...community, interactions: pickRows(interactions, kept) };
  return { training, test: byUser(community, tested), at: interactions.at.at(-1) ?? 0 };
}

/**
 * Training is what happened before an instant, the test the pairs that first happen from then on. The catalogue is what
 * existed at the instant: to know a later post is to know what its author cares about next.
 */
export function timeSplit(community: Community, instant: number): Split {
  const { interactions } = community;
  const training = communityBefore(community, instant);
  const catalogue = training.posts.ids.length;
  const tested = firstInteractions(community.posts, interactions).filter(
    (i) => interactions.at[i] >= instant && interactions.posts[i] < catalogue,
  );
  return { training, test: byUser(community, tested), at: instant };
}

function byUser({ interactions }: Community, tested: Uint32Array): Map<number, number[]> {
  const test = new Map<number, number[]>();
  for (const i of tested) {
    const [user, post] = [interactions.users[i], interactions.posts[i]];
    const list = test.get(user);
    if (list) list.push(post);
    else test.set(user, [post]);
  }
  return test;
}

function pairOf({ interactions, posts }: Community, i: number): number {
  return interactions.users[i] * posts.ids.length + interactions.posts[i];
}
