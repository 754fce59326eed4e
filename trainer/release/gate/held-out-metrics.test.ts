import assert from "node:assert/strict";
import { test } from "node:test";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import type { PageRequest } from "../../models/ranker/page-requests.ts";
import { type Request, unknown } from "../../models/ranker/requests.ts";
import { HeldOutMetrics } from "./held-out-metrics.ts";
import type { RankedRequest } from "./ranked-requests.ts";

const request = (labels: Request["labels"]): Request => ({ event: 0, user: 0, post: 1, at: 0, labels });

/** The same probability of every kind for each post. */
function ranked(rank: number, probabilities: Record<number, number>): RankedRequest {
  const posts = Int32Array.from(Object.keys(probabilities), Number);
  return {
    posts,
    rank,
    heads: kinds,
    recencyRank: rank,
    probabilities: Float32Array.from(Object.values(probabilities).flatMap((p) => [p, p, p])),
  };
}

function close(actual: number | undefined, expected: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-6, `${actual}, not ${expected}`);
}

test("lists: what is not retrieved counts 0, and more is better", () => {
  const metrics = new HeldOutMetrics(["a", "b"]);
  metrics.add(request([1, 0, 0]), { a: ranked(1, { 1: 0.5 }), b: ranked(Number.POSITIVE_INFINITY, { 2: 0.5 }) });
  metrics.add(request([1, 0, 0]), { a: ranked(4, { 1: 0.5 }), b: ranked(2, { 1: 0.5 }) });
  metrics.add(request([1, 0, 0]), { a: ranked(21, { 1: 0.5 }), b: ranked(21, { 1: 0.5 }) });
  close(metrics.mean("a", "mrr"), (1 + 1 / 4 + 1 / 21) / 3);
  close(metrics.mean("b", "recall@20"), 1 / 3);
  close(metrics.worse("a", "b", "mrr")?.mean, (-1 + 1 / 4) / 3);
  // the differences are -1, 1/4, 0
  const mean = -0.25;
  const variance = ((-1 - mean) ** 2 + (0.25 - mean) ** 2 + mean ** 2) / 2;
  close(metrics.worse("a", "b", "mrr")?.error, Math.sqrt(variance / 3));
});

test("where people are weighed, who asked often counts as much as who asked once", () => {
  const metrics = new HeldOutMetrics(["a", "b"], { weighsPeople: true });
  const better = { a: ranked(1, { 1: 0.5 }), b: ranked(2, { 1: 0.5 }) };
  for (let i = 0; i < 100; i++) metrics.add(request([1, 0, 0]), better);
  for (const user of [1, 2, 3])
    metrics.add({ ...request([1, 0, 0]), user }, { a: ranked(4, { 1: 0.5 }), b: ranked(1, { 1: 0.5 }) });
  close(metrics.mean("a", "mrr"), (1 + 3 / 4) / 4);
  const worse = metrics.worse("a", "b", "mrr");
  close(worse?.mean, (-1 / 2 + 3 * (3 / 4)) / 4);
  // the differences of four people are -1/2, 3/4, 3/4, 3/4
  close(worse?.error, Math.sqrt((3 * (5 / 16) ** 2 + (15 / 16) ** 2) / 3 / 4));
});

test("heads: cross-entropy of the posts that both retrieved, relative to that of the base rate; less is better", () => {
  const metrics = new HeldOutMetrics(["a", "b"]);
  // of the posts 1 and 2, which both have, post 1 was viewed; what a says of post 3 counts nowhere
  for (let i = 0; i < 20; i++)
    metrics.add(request([1, 0, 0]), { a: ranked(1, { 1: 0.8, 2: 0.1, 3: 0.9 }), b: ranked(1, { 1: 0.5, 2: 0.5 }) });
  close(metrics.mean("a", "cross-entropy view"), -(Math.log(0.8) + Math.log(0.9)) / (2 * Math.log(2)));
  // as good as the base rate of one in two
  close(metrics.mean("b", "cross-entropy view"), 1);
  const worse = metrics.worse("b", "a", "cross-entropy view");
  close(worse?.mean, 1 + (Math.log(0.8) + Math.log(0.9)) / (2 * Math.log(2)));
  close(worse?.error, 0);
  assert.equal(metrics.worse("b", "a", "cross-entropy vote"), undefined, "nobody voted");
});

test("a head that one of the models lacks is measured of none; a label that does not count is left out", () => {
  const heads = ["view", "vote", "comment", "dismiss"] as const;
  const page = (dismiss: number): PageRequest => ({
    event: 0,
    user: 0,
    at: 0,
    shown: [{ post: 1, position: 1, labels: [0, 0, 0, dismiss, unknown] }],
  });
  const four = (p: number): RankedRequest => ({
    posts: Int32Array.of(1),
    rank: Number.POSITIVE_INFINITY,
    recencyRank: Number.POSITIVE_INFINITY,
    heads,
    probabilities: Float32Array.of(0.1, 0.1, 0.1, p),
  });
  const both = new HeldOutMetrics(["a", "b"]);
  const one = new HeldOutMetrics(["a", "b"]);
  for (const dismiss of [...Array(20).fill(1), ...Array(20).fill(0), ...Array(99).fill(unknown)]) {
    both.add(page(dismiss), { a: four(dismiss === 1 ? 0.8 : 0.2), b: four(0.5) });
    one.add(page(dismiss), { a: four(0.5), b: ranked(Number.POSITIVE_INFINITY, { 1: 0.1 }) });
  }
  close(both.mean("a", "cross-entropy dismiss"), -Math.log(0.8) / Math.log(2));
  close(both.mean("b", "cross-entropy dismiss"), 1);
  assert.equal(both.worse("a", "b", "cross-entropy long_view"), undefined);
  assert.equal(one.worse("a", "b", "cross-entropy dismiss"), undefined);
  assert.equal(one.mean("a", "cross-entropy dismiss"), undefined);
});

test("pages: what was acted on has its place among what was shown, and each post its own label", () => {
  const metrics = new HeldOutMetrics(["a", "b"]);
  const page = (...views: number[]): PageRequest => ({
    event: 0,
    user: 0,
    at: 0,
    shown: views.map((view, post) => ({ post, position: post + 1, labels: [view, 0, 0] })),
  });
  // of three posts the second and third were viewed, of another three none
  for (let i = 0; i < 10; i++) {
    metrics.add(page(0, 1, 1), {
      a: ranked(1, { 0: 0.1, 1: 0.8, 2: 0.5 }),
      b: ranked(2, { 0: 0.5, 1: 0.5, 2: 0.5 }),
    });
    metrics.add(page(0, 0, 0), {
      a: ranked(Number.POSITIVE_INFINITY, { 0: 0.1, 1: 0.1, 2: 0.1 }),
      b: ranked(Number.POSITIVE_INFINITY, { 0: 0.1, 1: 0.1, 2: 0.1 }),
    });
  }
  close(metrics.mean("a", "mrr"), 1);
  close(metrics.mean("b", "mrr"), 1 / 2);
  assert.equal(metrics.mean("a", "recall@20"), undefined, "a page has no more than it has");
  assert.equal(metrics.worse("a", "b", "recall@20"), undefined);
  const entropy = -6 * ((1 / 3) * Math.log(1 / 3) + (2 / 3) * Math.log(2 / 3));
  const untouched = 3 * Math.log(0.9);
  close(
    metrics.mean("a", "cross-entropy view"),
    -(Math.log(0.9) + Math.log(0.8) + Math.log(0.5) + untouched) / entropy,
  );
  close(metrics.worse("b", "a", "mrr")?.mean, 1 / 2);
});
