import assert from "node:assert/strict";
import { test } from "node:test";
import { mostRecent } from "../baselines/simple.ts";
import type { CommunityEvent } from "../history/event-walk.ts";
import { hour, sizesOf, smallCommunity } from "../testing.ts";
import type { History, Recommender } from "./recommender.ts";
import { runReplay } from "./replay.ts";

const options = { validFrom: 5 * hour, testFrom: 10 * hour };

test("ranks what exists, is not the user's own and had no interaction before", async () => {
  // post 0 to 4 come at hour 1 to 5, post 5 at hour 20; user 1 wrote post 4 and opened post 3
  const community = smallCommunity(
    2,
    [
      [0, 1],
      [0, 2],
      [0, 3],
      [0, 4],
      [1, 5],
      [0, 20],
    ],
    [
      [1, 3, 6],
      [1, 0, 11],
      [1, 0, 12],
      [1, 4, 13],
      [1, 5, 20],
    ],
  );
  const [{ events }] = await runReplay(community, options, [mostRecent(sizesOf(community))]);
  // at hour 11 posts 2, 1, 0 are left; opening 0 again and the own post 4 are no events; post 5 is there when it is made
  assert.deepEqual(
    events.map(({ post, at, rank, top }) => ({ post, at: at / hour, rank, top: [...top] })),
    [
      { post: 0, at: 11, rank: 3, top: [2, 1, 0] },
      { post: 5, at: 20, rank: 1, top: [5, 2, 1] },
    ],
  );
});

test("a user is cold without interaction and without own post", async () => {
  const community = smallCommunity(
    4,
    [
      [0, 1],
      [1, 2],
      [2, 50],
    ],
    [
      [3, 0, 11],
      [3, 1, 12],
      [1, 0, 13],
      [2, 0, 14],
    ],
  );
  const [{ events }] = await runReplay(community, options, [mostRecent(sizesOf(community))]);
  assert.deepEqual(
    events.map(({ user, cold }) => [user, cold]),
    [
      [3, true],
      [3, false],
      [1, false],
      [2, true],
    ],
  );
});

test("nothing sees the future: a post that only later becomes popular", async () => {
  // post 0 is never opened before hour 30, then by everyone
  const crowd = Array.from({ length: 20 }, (_, i): [number, number, number] => [i + 2, 0, 30 + i / 100]);
  const community = smallCommunity(
    22,
    [
      [-1, 1, "planted"],
      [-1, 2, "popular"],
      [-1, 25, "late"],
    ],
    [[0, 1, 3], [0, 0, 12], ...crowd, [1, 0, 31]],
  );
  const spy = new Spy(community.posts.ids.length);
  const [{ events }] = await runReplay(community, options, [spy]);
  assert.equal(spy.history?.community.interactions.at.length, 1);
  assert.deepEqual(spy.history?.community.posts.titles, ["planted", "popular"]);
  // user 0 at hour 12: post 1 is excluded as known; the first of the crowd still sees the planted post last
  assert.deepEqual([...events[1].top], [1, 0, 2]);
  assert.equal(events[1].rank, 2);
  assert.equal(events.at(-1)?.rank, 1);
  for (const { at, newest } of spy.asked) assert.ok(newest <= at, `saw ${newest} at ${at}`);
});

test("events at the same instant keep file order: the first is not told of the second", async () => {
  const community = smallCommunity(
    3,
    [
      [-1, 1],
      [-1, 2],
    ],
    [
      [0, 0, 12],
      [1, 0, 12],
      [2, 1, 12],
    ],
  );
  const spy = new Spy(2);
  await runReplay(community, options, [spy]);
  assert.deepEqual(
    spy.asked.map(({ interactions }) => interactions),
    [0, 1, 2],
  );
});

test("the same seed draws the same sample, in order of time", async () => {
  const interactions = Array.from({ length: 50 }, (_, i): [number, number, number] => [i, 0, 11 + i]);
  const community = smallCommunity(50, [[-1, 1]], interactions);
  const users = async (seed: number) => {
    const [{ events }] = await runReplay(community, { ...options, sample: 10, seed }, [new Spy(1)]);
    return events.map(({ user }) => user);
  };
  const first = await users(1);
  assert.equal(new Set(first).size, 10);
  assert.deepEqual(
    first.toSorted((a, b) => a - b),
    first,
  );
  assert.deepEqual(await users(1), first);
  assert.notDeepEqual(await users(2), first);
});

test("−Infinity leaves a post out of the list, NaN is an error", async () => {
  const community = smallCommunity(
    1,
    [
      [-1, 1],
      [-1, 2],
    ],
    [[0, 0, 12]],
  );
  const only = (score: number): Recommender => ({
    name: "fixed",
    observe() {},
    scores: (_user, _at, out) => void out.set([score, 1]),
  });
  const [{ events, metrics }] = await runReplay(community, options, [only(Number.NEGATIVE_INFINITY)]);
  assert.equal(events[0].rank, Number.POSITIVE_INFINITY);
  assert.deepEqual([...events[0].top], [1]);
  assert.equal(metrics.all.mrr.mean, 0);
  await assert.rejects(runReplay(community, options, [only(Number.NaN)]), /post number 0 is NaN/);
});

/** Popularity that writes down what it was told and when it was asked. */
class Spy implements Recommender {
  readonly name = "spy";
  readonly asked: { at: number; newest: number; interactions: number }[] = [];
  history: History | undefined;
  private readonly counts: Float64Array;
  private newest = 0;
  private interactions = 0;

  constructor(posts: number) {
    this.counts = new Float64Array(posts);
  }

  train(history: History): void {
    this.history = history;
  }

  observe(event: CommunityEvent): void {
    this.newest = Math.max(this.newest, event.at);
    if (event.type !== "interaction") return;
    this.counts[event.post]++;
    this.interactions++;
  }

  scores(_user: number, at: number, out: Float64Array): void {
    this.asked.push({ at, newest: this.newest, interactions: this.interactions });
    out.set(this.counts);
  }
}
