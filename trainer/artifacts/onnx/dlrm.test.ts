import assert from "node:assert/strict";
import { before, test } from "node:test";
import { categories } from "../../../supabase/functions/_shared/features/categories.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { postFeatures, userFeatures } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { float32, int64 } from "../../../supabase/functions/_shared/features/tensors.ts";
import { contracts, contractsOf } from "../../../supabase/functions/_shared/models/contracts.ts";
import { assertClose } from "../../../testing/onnx/assert-close.ts";
import { bothRuntimes } from "../../../testing/onnx/runtimes.ts";
import { startBackend } from "../../models/nn/backend.ts";
import { Random } from "../../models/nn/random.ts";
import { boostOf, boostWidth, mostLogBoost } from "../../models/ranker/boost.ts";
import { activityColumns, denseWidth } from "../../models/ranker/dense-features.ts";
import { dlrmForward } from "../../models/ranker/forward.ts";
import { type Dlrm, newDlrm } from "../../models/ranker/model.ts";
import type { RankingExamples } from "../../models/ranker/ranking-examples.ts";
import { randomExamples, testOptions } from "../../models/ranker/testing.ts";
import { trainDlrm } from "../../models/ranker/train.ts";
import { assertContract } from "./contract.ts";
import { dlrmGraph } from "./dlrm.ts";

const runtimes = await bothRuntimes();

const rows = 40;
const random = new Random(11);
const examples = randomExamples(random, 60, rows, (dense) => {
  dense[20] += 2;
});
let dlrm: Dlrm;

before(async () => {
  await startBackend();
  const all = Uint32Array.from(examples.requests.keys());
  const parts = { training: all.subarray(0, 50), heldOut: all.subarray(50) };
  dlrm = (await trainDlrm(examples, parts, { ...testOptions, epochs: 2 })).dlrm;
  // what training barely moves in two epochs must count in the comparison too
  const weights = Object.keys(dlrm.dense.matrices()).map((name) => dlrm.dense.values(name));
  for (const values of [...weights, dlrm.embeddings.weights.values, dlrm.wide.weights.values])
    for (let i = 0; i < values.length; i++) values[i] += 0.2 * random.normal();
  // one request of a user without interactions
  for (let i = 0; i < rows; i++)
    for (const column of activityColumns) examples.dense[examples.rowOf(52, i) * denseWidth + column] = 0;
  dlrm.newUserStrength = 0.25;
  dlrm.calibration.scale.set([1.1, 0.9, 0.8]);
  dlrm.calibration.shift.set([-1, 0.5, 0.25]);
});

test("the graph keeps the contract and is small", () => {
  const bytes = dlrmGraph(dlrm);
  assertContract(bytes, contracts.dlrm);
  assert.ok(bytes.length < 500_000, `${bytes.length} bytes`);
});

for (const runtime of runtimes)
  for (const newUserPopularity of [0, 1.5])
    test(`${runtime.name} gives the trainer's probabilities, popularity ${newUserPopularity} for new people`, async () => {
      const of = { ...dlrm, newUserPopularity };
      const { run } = await runtime.createSession(dlrmGraph(of));
      const logits = dlrmForward(of, examples, Uint32Array.of(50, 51, 52));
      for (const [i, request] of [50, 51, 52].entries()) {
        const { probabilities } = await run(feedsOf(examples, request));
        const expected = Float32Array.from({ length: rows * kinds.length }, (_, at) => {
          const { scale, shift } = of.calibration;
          const head = at % kinds.length;
          return 1 / (1 + Math.exp(-(scale[head] * logits[i * rows * kinds.length + at] + shift[head])));
        });
        assertClose(probabilities.data, expected, 1e-4, `request ${request}`);
        assert.ok(Math.max(...expected) > 2 * Math.min(...expected), "rows differ");
      }
    });

for (const runtime of runtimes)
  test(`${runtime.name} gives the trainer's probabilities of optional heads too`, async () => {
    const heads = ["view", "vote", "comment", "dismiss", "long_view"] as const;
    const of = randomExamples(new Random(7), 4, rows, () => {}, heads);
    const five = newDlrm(of, Uint32Array.of(0, 1, 2, 3), testOptions, new Random(8));
    for (const { values } of Object.values(five.dense.matrices()))
      for (let i = 0; i < values.length; i++) values[i] += 0.1 * random.normal();
    const bytes = dlrmGraph(five);
    assertContract(bytes, contractsOf(heads).dlrm);
    assert.throws(() => assertContract(bytes, contracts.dlrm), /probabilities is \[N, 5\], not \[N, 3\]/);
    const { run } = await runtime.createSession(bytes);
    const { probabilities } = await run(feedsOf(of, 2));
    const expected = dlrmForward(five, of, Uint32Array.of(2)).map((logit) => 1 / (1 + Math.exp(-logit)));
    assertClose(probabilities.data, expected, 1e-4, "request 2");
  });

for (const runtime of runtimes)
  test(`${runtime.name} gives what posts are worth as the trainer does, within its bounds`, async () => {
    const boost = Float32Array.from({ length: boostWidth }, () => 0.3 * random.normal());
    const bytes = dlrmGraph({ ...dlrm, boost });
    assertContract(bytes, contracts.dlrm);
    const { run } = await runtime.createSession(bytes);
    const said = await run(feedsOf(examples, 50));
    const expected = boostOf({ ...dlrm, boost }, examples, 50);
    assertClose(said.boost.data, expected, 1e-3, "request 50");
    assert.ok(Math.max(...expected) > 2 * Math.min(...expected), "rows differ");
    const without = await (await runtime.createSession(dlrmGraph(dlrm))).run(feedsOf(examples, 50));
    assert.equal(without.boost, undefined);
    assert.deepEqual(said.probabilities.data, without.probabilities.data, "probabilities know nothing of it");
    const far = await runtime.createSession(dlrmGraph({ ...dlrm, boost: boost.map((weight) => 100 * weight) }));
    const bounded = Array.from((await far.run(feedsOf(examples, 50))).boost.data, Number);
    assert.ok(Math.max(...bounded) <= Math.exp(mostLogBoost) * 1.001, `${Math.max(...bounded)}`);
  });

test("one candidate alone has a probability too", async () => {
  const { run } = await runtimes[0].createSession(dlrmGraph(dlrm));
  const { probabilities } = await run(feedsOf(examples, 50, 1));
  assert.deepEqual(probabilities.dims, [1, kinds.length]);
  assert.ok([...probabilities.data].every((p) => Number(p) > 0 && Number(p) < 1));
});

/** What serving would feed the graph for the first `n` rows of a request. */
function feedsOf(examples: RankingExamples, request: number, n = rows) {
  const [u, p] = [userFeatures.length, postFeatures.length];
  const first = request * rows;
  const part = (from: number, width: number) =>
    Float32Array.from({ length: n * width }, (_, i) => {
      const row = first + Math.floor(i / width);
      return examples.dense[row * denseWidth + from + (i % width)];
    });
  const posts = examples.postVectors.slice(first * dimensions, (first + n) * dimensions);
  const c = categories.length;
  return {
    user: float32(examples.users.slice(request * dimensions, (request + 1) * dimensions), [1, dimensions]),
    posts: float32(posts, [n, dimensions]),
    user_features: float32(part(0, u).slice(0, u), [1, u]),
    post_features: float32(part(u, p), [n, p]),
    pair_features: float32(part(u + p, denseWidth - u - p), [n, denseWidth - u - p]),
    categories: int64(examples.categories.slice(first * c, (first + n) * c), [n, c]),
  };
}
