import assert from "node:assert/strict";
import { test } from "node:test";
import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import { login, Timeline } from "../../data/replay/timeline.ts";
import { hasEngagedPost, pageRequests } from "./page-requests.ts";
import { requestsAt } from "./requests.ts";

const [view, vote] = [0, 1];

/** A timeline of events at hours. */
function timelineOf(...events: [at: number, user: number, post: number, kind: number][]): Timeline {
  const timeline = new Timeline();
  for (const [at, user, post, kind] of events)
    timeline.push({ at: at * hour, user, post, kind, isFirst: true }, null, null);
  return timeline;
}

function requestsOf(timeline: Timeline, until: number, from = 0) {
  const pages = [
    { user: 1, at: 10 * hour, posts: [3, 4, 5], positions: [1, 2, 3] },
    { user: 1, at: 20 * hour, posts: [4, 6], positions: [1, 2] },
  ];
  return pageRequests(pages, timeline, 100, from * hour, until * hour);
}

test("of each kind the heaviest of what was done counts", () => {
  const timeline = timelineOf([11, 1, 3, vote], [12, 1, 3, vote], [13, 1, 3, vote], [11, 1, 5, view], [40, 1, 4, vote]);
  timeline.weights.set([0.25, 5, 2, 1, 9]);
  const [first] = requestsOf(timeline, 50);
  assert.deepEqual(
    first.shown.map(({ weights }) => weights),
    [[1, 5, 1], undefined, undefined],
    "what came too late weighs nothing, and what weighs 1 needs no saying",
  );
  timeline.weights.set([0.25, 0.5, 0.5]);
  assert.deepEqual(requestsOf(timeline, 50)[0].shown[0].weights, [1, 0.5, 1], "a light one is light");
});

test("labels are what the user did with what was shown within a day; others' acts and other posts are not theirs", () => {
  const timeline = timelineOf(
    [9, 2, 3, view],
    [10.1, 1, 4, view],
    [10.2, 1, 4, vote],
    [11, 2, 5, view],
    [12, 1, 99, view],
    [33.9, 1, 3, vote],
    [34.1, 1, 5, view],
  );
  const [first] = requestsOf(timeline, 50);
  assert.deepEqual(
    first.shown.map(({ post, labels }) => [post, labels.join("")]),
    [
      [3, "010"],
      [4, "110"],
      [5, "000"],
    ],
    "23.9 hours later counts, 24.1 hours later does not",
  );
  assert.equal(first.event, 1, "the state is that before the user's own first act");
});

test("a post that the user had interacted with before was shown in vain, and a page of such posts is none", () => {
  const timeline = timelineOf([10.1, 1, 4, view], [15, 1, 6, view], [100, 3, -1, login]);
  const requests = requestsOf(timeline, 50);
  assert.deepEqual(
    requests.map(({ shown }) => shown.map(({ post }) => post)),
    [[3, 4, 5]],
  );
});

test("a page tells nothing before its labels have had their day, and belongs to one training", () => {
  const timeline = timelineOf([10.1, 1, 4, view], [100, 3, -1, login]);
  assert.equal(requestsOf(timeline, 34).length, 0, "until 24 hours after the first page");
  assert.equal(requestsOf(timeline, 34.1).length, 1);
  assert.deepEqual(
    requestsOf(timeline, 45).map(({ at }) => at / hour),
    [10, 20],
  );
  assert.deepEqual(
    requestsOf(timeline, 45, 10.1).map(({ at }) => at / hour),
    [20],
  );
});

test("whether something came of a page", () => {
  const requests = requestsOf(timelineOf([10.1, 1, 4, view], [100, 3, -1, login]), 50);
  assert.deepEqual(requests.map(hasEngagedPost), [true, false]);
});

test("a first interaction knows nothing of what bears the same instant", () => {
  const timeline = timelineOf([1, 1, 3, view], [2, 2, 3, view], [2, 1, 4, view], [2, 1, 5, view], [3, 1, 6, view]);
  const requests = requestsAt(timeline, Uint32Array.of(1, 2, 3, 4), Number.POSITIVE_INFINITY);
  assert.deepEqual(
    requests.map(({ event, post }) => [event, post]),
    [
      [1, 3],
      [1, 4],
      [1, 5],
      [4, 6],
    ],
  );
});
