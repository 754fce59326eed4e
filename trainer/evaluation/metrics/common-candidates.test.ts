import assert from "node:assert/strict";
import { test } from "node:test";
import { commonCandidates, headRows, learnedFromPages, rankerMetrics, withoutProbabilities } from "./ranker-metrics.ts";

const list = (posts: number[], p: number[], recency: number[]) => ({
  posts: Int32Array.from(posts),
  probabilities: { DLRM: Float32Array.from(p.flatMap((each) => [each, 0, 0])) },
  scores: { "recency baseline": Float32Array.from(recency), similarity: Float32Array.from(p) },
});
const models = [
  { name: "a", lists: [list([5, 1, 7], [0.5, 0.25, 0.125], [2, 1, 3]), list([], [], [])] },
  { name: "b", lists: [list([7, 9, 5], [0.75, 0.5, 0.0625], [3, 4, 2]), list([3], [0.5], [1])] },
];

test("models are held against each other on what all of them retrieved, each with what it said in its own list", () => {
  const [first, second] = commonCandidates(models, ["recency baseline"]);
  assert.deepEqual([...first.posts], [5, 7]);
  const views = (p: Float32Array) => [...p].filter((_, i) => i % 3 === 0);
  assert.deepEqual(views(first.probabilities.a), [0.5, 0.125]);
  assert.deepEqual(views(first.probabilities.b), [0.0625, 0.75]);
  assert.deepEqual(Object.keys(first.scores), ["recency baseline"]);
  assert.deepEqual([...first.scores["recency baseline"]], [2, 3]);
  assert.equal(second.posts.length + second.probabilities.a.length + second.probabilities.b.length, 0);
});

test("what learned from pages has AUC and GAUC alone, and the reason is said", () => {
  const lists = commonCandidates(models, ["recency baseline"]);
  const rows = headRows(lists, [
    { post: 5, labels: [1, 0, 0] },
    { post: 3, labels: [1, 0, 0] },
  ]);
  const metrics = withoutProbabilities(rankerMetrics(lists, rows), ["a"]);
  const of = (name: string) => metrics.find(({ by }) => by === name);
  assert.deepEqual([of("a")?.auc, of("b")?.auc, of("a")?.positives, of("a")?.rows], [1, 0, 1, 2]);
  assert.ok(Number.isNaN(of("a")?.logLoss) && Number.isNaN(of("a")?.calibration));
  // Σp/Σy
  assert.equal(of("b")?.calibration, 0.8125);
  assert.match(learnedFromPages(["a"]).join(), /^AUC and GAUC alone of a: learned from pages/);
  assert.deepEqual(learnedFromPages([]), []);
});
