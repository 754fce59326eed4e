/** Neighbours are kept where earlier interactions predict the next ones, and nowhere else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import type { LoadedCommunity } from "../../data/replay/from-database.ts";
import { covisitedBy } from "../../data/replay/neighbours.ts";
import { CommunityState } from "../../data/replay/state.ts";
import { Random } from "../nn/random.ts";
import { firstInteractionEvents, requestsAt } from "../ranker/requests.ts";
import { findMore, neighboursUntil } from "./select-neighbours.ts";
import { communityOf, type Visit } from "./testing.ts";

const people = 360;
const [groups, posts] = [8, 400];

/** Every user interacts with 30 posts that `postAt` names, each once, an hour after the one before. */
function visits(random: Random, postAt: (user: number, number: number) => number): Visit[] {
  const seen = new Set<string>();
  const found: Visit[] = [];
  while (found.length < 30 * people) {
    const user = random.below(people);
    const post = postAt(user, found.length);
    if (seen.has(`${user} ${post}`)) continue;
    seen.add(`${user} ${post}`);
    found.push({ user, post, at: (1000 + found.length) * hour });
  }
  return found;
}

function isKept(loaded: LoadedCommunity): boolean {
  const events = firstInteractionEvents(loaded.community, loaded.timeline, Number.POSITIVE_INFINITY);
  const start = loaded.timeline.at[events[Math.floor(0.8 * events.length)]];
  const neighbours = neighboursUntil(loaded, events, start);
  return findMore(
    loaded,
    neighbours,
    requestsAt(
      loaded.timeline,
      events.filter((event) => loaded.timeline.at[event] >= start),
      Number.POSITIVE_INFINITY,
    ),
  );
}

const old = Array.from({ length: posts }, () => 0);

test("they are kept where users interact with posts of similar users, and nothing ages", () => {
  const random = new Random(1);
  const ofGroup = (user: number) => (user % groups) + groups * random.below(posts / groups);
  assert.ok(isKept(communityOf(old, visits(random, ofGroup), people)));
});

test("new users of popular posts do not reject them: they have no neighbours yet", () => {
  const random = new Random(1);
  const ofGroup = (user: number) => (user % groups) + groups * random.below(posts / groups);
  const known = visits(random, ofGroup);
  const others = Array.from({ length: known.length }, (_, i) => ({ user: people + i, post: 0, at: known[i].at + 1 }));
  assert.ok(
    isKept(
      communityOf(
        old,
        [...known, ...others].sort((a, b) => a.at - b.at),
        people + known.length,
      ),
    ),
  );
});

test("they are not where every user interacts with anything", () => {
  const random = new Random(2);
  const anything = () => random.below(posts);
  assert.ok(!isKept(communityOf(old, visits(random, anything), people)));
});

test("nor where every user interacts with the newest posts", () => {
  const random = new Random(3);
  const createdAt = Array.from({ length: 4000 }, (_, post) => (900 + post) * hour);
  const newest = (_: number, number: number) => 100 + number - random.below(30);
  assert.ok(!isKept(communityOf(createdAt, visits(random, newest), people)));
});

test("nor of one or two later interactions, whatever they say", () => {
  const random = new Random(1);
  const ofGroup = (user: number) => (user % groups) + groups * random.below(posts / groups);
  const loaded = communityOf(old, visits(random, ofGroup), people);
  const events = firstInteractionEvents(loaded.community, loaded.timeline, Number.POSITIVE_INFINITY);
  const start = loaded.timeline.at[events[Math.floor(0.8 * events.length)]];
  const neighbours = neighboursUntil(loaded, events, start);
  assert.ok(!findMore(loaded, neighbours, requestsAt(loaded.timeline, events.slice(-2), Number.POSITIVE_INFINITY)));
  assert.ok(!findMore(loaded, neighbours, []));
});

/**
 * Whether one post is a neighbour of another after `askers` accounts interacted with both, so many hours before the
 * training, and another user to the first, and in private, or not, to the second.
 */
function tells(random: Random, askers: number, hours: number, hasViewed: boolean): boolean {
  const known = visits(random, () => random.below(posts));
  const end = known.at(-1)?.at as number;
  const [bait, secret, somebody] = [posts, posts + 1, random.below(people)];
  const of = (user: number, at: number) => [bait, secret].map((post) => ({ user, post, at }));
  const theirs = Array.from({ length: askers }, (_, i) => of(people + i, end - hours * hour)).flat();
  const others = of(somebody, end - 30 * hour).slice(0, hasViewed ? 2 : 1);
  // from then on they are known
  const before = Array.from({ length: askers }, (_, i) => ({ user: people + i, post: 0, at: end - hours * hour - 1 }));
  const all = [...known, ...before, ...theirs, ...others].sort((a, b) => a.at - b.at);
  const loaded = communityOf([...old, 0, 0], all, people + askers);
  const events = firstInteractionEvents(loaded.community, loaded.timeline, Number.POSITIVE_INFINITY);
  const found = neighboursUntil(loaded, events, Number.POSITIVE_INFINITY);
  return found.posts.subarray(found.starts[bait], found.starts[bait + 1]).includes(secret);
}

for (const [askers, hours] of [
  [2, 40],
  [8, 40],
  [9, 20],
  [30, 20],
])
  test(`${askers} accounts of ${hours} hours do not learn whether somebody viewed a post in private`, () => {
    const told = (hasViewed: boolean) =>
      Array.from({ length: 10 }, (_, seed) => tells(new Random(seed), askers, hours, hasViewed)).filter(Boolean).length;
    assert.deepEqual([told(true), told(false)], [0, 0]);
  });

test("what is hidden speaks for nothing, and a post that does not exist yet is brought to nobody", () => {
  const at = (i: number) => 10 * hour + i;
  const loaded = communityOf(
    [0, 0, 0, 20 * hour],
    [
      { user: 0, post: 0, at: at(1) },
      { user: 0, post: 1, at: at(2) },
    ],
    1,
  );
  const neighbours = {
    starts: Int32Array.of(0, 2, 3, 3, 3),
    posts: Int32Array.of(2, 3, 2),
    weights: Int32Array.of(1, 5, 7),
  };
  const state = new CommunityState(loaded.community, loaded.timeline);
  state.advance(2, 11 * hour);
  assert.deepEqual(covisitedBy(0, neighbours, state), [2]);
  assert.deepEqual(covisitedBy(0, neighbours, state, Uint8Array.of(1, 1, 0, 0)), []);
  state.advance(2, 21 * hour);
  assert.deepEqual(covisitedBy(0, neighbours, state), [2, 3], "8 and 5");
  assert.deepEqual(covisitedBy(0, neighbours, state, Uint8Array.of(0, 1, 0, 0)), [3, 2], "5 and 1");
  assert.deepEqual(covisitedBy(0, undefined, state), []);
});
