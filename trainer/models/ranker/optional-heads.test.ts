import assert from "node:assert/strict";
import { test } from "node:test";
import type { OptionalHeadLabels } from "../../data/replay/pages.ts";
import { headsOf, withHeads } from "./optional-heads.ts";
import type { PageRequest } from "./page-requests.ts";
import { unknown } from "./requests.ts";

/** A page of one post. */
function page(user: number, at: number, told?: OptionalHeadLabels): PageRequest {
  return { event: at, user, at, shown: [{ post: at, position: 1, labels: [1, 0, 0], told }] };
}

/** Pages of `people`, each of whom dismisses `each` posts; in order of time, people by turns. */
function dismissing(people: number, each: number): PageRequest[] {
  return Array.from({ length: people * each }, (_, at) => page(at % people, at, { dismiss: 1 }));
}

const three = ["view", "vote", "comment"];

test("200 dismissals of 50 people make a head; of fewer people or dismissals they do not", () => {
  assert.deepEqual(headsOf(dismissing(50, 4)), [...three, "dismiss"]);
  assert.deepEqual(headsOf(dismissing(200, 1)), [...three, "dismiss"]);
  assert.deepEqual(headsOf(dismissing(199, 1)), three);
  assert.deepEqual(headsOf(dismissing(49, 4)), three);
  assert.deepEqual(headsOf(dismissing(49, 1000)), three, "whatever 49 people do");
  assert.deepEqual(headsOf([...dismissing(1, 10_000), ...dismissing(40, 1)]), three, "nor one");
});

test("without dismissals, and where nobody knows of any, there is no head", () => {
  assert.deepEqual(headsOf([]), three);
  assert.deepEqual(headsOf(Array.from({ length: 1000 }, (_, at) => page(at, at, { dismiss: 0 }))), three);
  assert.deepEqual(headsOf(Array.from({ length: 1000 }, (_, at) => page(at, at))), three);
});

test("each head has its own labels, and the order is that of all models", () => {
  const long = Array.from({ length: 200 }, (_, at) => page(at, at, { long_view: 1 }));
  assert.deepEqual(headsOf(long), [...three, "long_view"]);
  assert.deepEqual(headsOf([...long, ...dismissing(50, 4)]), [...three, "dismiss", "long_view"]);
});

const labelsOf = (pages: PageRequest[]) => pages.flatMap(({ shown }) => shown.map(({ labels }) => labels));

test("labels are in the order of the heads; what nobody knows does not count", () => {
  const pages = [page(1, 1, { dismiss: 1, long_view: 0 }), page(2, 2, { dismiss: 0 }), page(3, 3)];
  assert.deepEqual(labelsOf(withHeads(pages, ["view", "vote", "comment", "dismiss", "long_view"])), [
    [1, 0, 0, 1, 0],
    [1, 0, 0, 0, unknown],
    [1, 0, 0, unknown, unknown],
  ]);
  assert.deepEqual(labelsOf(withHeads(pages, ["view", "vote", "comment"])), [
    [1, 0, 0],
    [1, 0, 0],
    [1, 0, 0],
  ]);
});

test("of one person no more than a 50th of all dismissals counts, the latest; the posts stay for the other heads", () => {
  // 300 of 100 people, and 60 of one who has 4 like the others: 304 counted; a 50th is 6
  const pages = [...dismissing(100, 3), ...Array.from({ length: 60 }, (_, i) => page(1000, 300 + i, { dismiss: 1 }))];
  const labelled = withHeads(pages, headsOf(pages));
  assert.deepEqual(
    labelled.map(({ at }) => at),
    pages.map(({ at }) => at),
  );
  const theirs = labelsOf(labelled.filter(({ user }) => user === 1000)).map(([, , , dismiss]) => dismiss);
  assert.deepEqual(theirs, [...Array(54).fill(unknown), ...Array(6).fill(1)]);
  const others = labelsOf(labelled.filter(({ user }) => user < 1000));
  assert.ok(others.every(([view, , , dismiss]) => view === 1 && dismiss === 1));
});

test("what a person did not dismiss counts, however much they dismissed", () => {
  const pages = [...dismissing(50, 4), ...Array.from({ length: 30 }, (_, i) => page(0, 200 + i, { dismiss: i % 2 }))];
  const theirs = labelsOf(withHeads(pages, headsOf(pages)).slice(200)).map(([, , , dismiss]) => dismiss);
  assert.equal(theirs.filter((label) => label === 0).length, 15);
  assert.equal(theirs.filter((label) => label === 1).length, 4);
});
