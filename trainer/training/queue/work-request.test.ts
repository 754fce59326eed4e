/** One request after the other on a small community, in this process: what is trained on, from what, and what goes wrong. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { OnProgress } from "../../../db/progress.ts";
import { readFeedSettings } from "../../../db/settings.ts";
import { testDatabase } from "../../../db/testing.ts";
import { headWeights } from "../../../supabase/functions/_shared/recommend/request/feed-settings.ts";
import { isFull } from "../../../testing/courses.ts";
import { communityFromDatabase } from "../../data/replay/from-database.ts";
import { requestsBetween } from "../../models/ranker/requests.ts";
import { publishedModel } from "../../release/gate/active-model.ts";
import type { HeldOutQuality } from "../../release/gate/held-out-quality.ts";
import { rankedRequests } from "../../release/gate/ranked-requests.ts";
import { fillSmallCommunity, temporaryFolder } from "../../testing.ts";
import { readWarmStart, retrainFromScratchReason } from "../../warm-start.ts";
import { configSchema, defaultConfig } from "../config/config.ts";
import { quickConfig } from "../config/testing.ts";
import {
  activeMetrics,
  type During,
  fileRequest,
  once,
  passHours,
  requestRow,
  vote,
  type Worker,
  work,
} from "./testing.ts";
import { type Claim, claimRequest } from "./training-queue.ts";
import { processTrainingRequest } from "./work-request.ts";

const database = await testDatabase({ after }, "work_request");
const { pool } = database;
/** In test:full the first test trains as an operator would; what is asked here says nothing of how good a model is. */
const config = isFull ? defaultConfig : quickConfig;
const worker: Worker = { database, folder: await temporaryFolder({ after }), config, lines: [] };
const train = (during?: During) => work(worker, during);
before(async () => {
  // some 120 first interactions: each publish asks its gate about all of them
  await fillSmallCommunity(database, isFull ? undefined : { users: 40, posts: 100, days: 20 });
  // all that the community did has settled
  await passHours(pool, 2);
  // people act at random here, so a model may well be worse than the recency baseline: what the gate refuses is its own tests' matter
  await pool.query("update recsys.settings set gate_margin = 1");
});
beforeEach(() => {
  worker.lines = [];
});

test("without a model it starts from scratch; then nothing is new; then it fine-tunes that model with what is", async () => {
  const first = await train();
  assert.deepEqual([first.ending, first.status, first.ratio], ["done", "done", 1]);
  const fromScratch = await activeMetrics(pool);
  assert.equal(fromScratch.started_from, null);
  assert.equal(fromScratch.new_interactions, first.new_interactions);
  assert.match(worker.lines[0], /from scratch: no model is active/);
  assert.match(worker.lines[1], /^on \d+ held-out requests: mrr /);

  const second = await train();
  assert.deepEqual([second.status, second.model_id, second.new_interactions], ["done", null, 0]);
  assert.match(String(worker.lines.at(-1)), /nothing new since model model-/);

  await passHours(pool, 3);
  const news = await vote(pool, 40, 90);
  const before = await qualityOfActive();
  assert.equal(before.requests, news);
  const third = await train();
  assert.equal(third.new_interactions, news);
  // a quick training from scratch takes hardly longer
  assert.ok(third.ratio && third.ratio < (isFull ? 1 : 10), `${third.ratio}`);
  assert.match(
    String(worker.lines.at(-1)),
    /serves: trained in \d+ s, \d\.\d\d of the last from scratch \(\d+ s\) on 40 new/,
  );
  const further = await activeMetrics(pool);
  assert.match(String(further.started_from), /^model-/);
  assert.equal(further.seconds_from_scratch, fromScratch.seconds);
  assert.equal(further.ranker_requests, news);
  assert.deepEqual([fromScratch.learned_from_scratch, fromScratch.learned_since], [fromScratch.new_interactions, 0]);
  assert.deepEqual([further.learned_from_scratch, further.learned_since], [fromScratch.new_interactions, news]);
  const said = `on ${news} new requests, before it learned from them: mrr `;
  assert.ok(
    worker.lines.some((line) => line.startsWith(said)),
    worker.lines.join("\n"),
  );
  const quality = further.held_out as HeldOutQuality;
  assert.deepEqual([quality.requests, quality.before_learning], [news, true]);
  const { model = 0, baseline = 0, difference = 0 } = quality.metrics.mrr ?? {};
  assert.ok(Math.abs(model - before.mrr) < 1e-6, `${model}, and the model that served had ${before.mrr}`);
  assert.ok(before.mrr > 0 && Math.abs(model - baseline - difference) < 1e-9);
});

/** What the model that serves makes of what it has not learned from, as published. */
async function qualityOfActive(): Promise<{ requests: number; mrr: number }> {
  const { rows } = await pool.query(
    `select model_id as id, name, feature_spec_digest as "featureSpecDigest", learned_until from recsys.models where status = 'active'`,
  );
  const [{ learned_until, ...active }] = rows;
  const loaded = await communityFromDatabase(database);
  const requests = requestsBetween(
    loaded.community,
    loaded.timeline,
    learned_until.getTime(),
    Number.POSITIVE_INFINITY,
  );
  const model = await publishedModel(database, active, loaded.community);
  const options = { weights: headWeights(await readFeedSettings(database)), onProgress: () => {} };
  let sum = 0;
  for await (const [, ranked] of rankedRequests(loaded, requests, { model }, options)) sum += 1 / ranked.model.rank;
  return { requests: requests.length, mrr: sum / requests.length };
}

test("from a model of another config no training goes on", async () => {
  worker.config = configSchema.parse({ ...quickConfig, ranker: { ...quickConfig.ranker, rows: 20 } });
  if (!isFull) {
    const active = await readWarmStart(database, worker.config);
    assert.match(
      `${typeof active === "string" ? active : retrainFromScratchReason(active)}`,
      /^model model-\S+ was trained with another config/,
    );
    worker.config = config;
    return;
  }
  await passHours(pool, 3);
  await vote(pool, 10, 70);
  const { ratio, ending } = await train();
  assert.deepEqual([ending, ratio], ["done", 1]);
  assert.match(worker.lines[0], /from scratch: model model-\S+ was trained with another config/);
});

const justShortOfQuarter = () =>
  pool.query(
    `update recsys.models set metrics = metrics || '{"learned_from_scratch": 400, "learned_since": 99}' where status = 'active'`,
  );

test("interactions between reading and publishing are trained on next time, once, also from a model just short of a quarter", async () => {
  await passHours(pool, 3);
  const before = await vote(pool, 20, 70);
  await justShortOfQuarter();
  let meanwhile = 0;
  const { onProgress, done } = once("ranking examples", async () => {
    meanwhile = await vote(pool, 30, 1);
  });
  const during = await train({ onProgress });
  await done();
  assert.equal(meanwhile, 30);
  assert.equal(during.new_interactions, before);
  await passHours(pool, 2);
  // just short of a quarter the model is fine-tuned, and learned_since grows
  await justShortOfQuarter();
  worker.lines = [];
  const { ending, new_interactions } = await train();
  assert.deepEqual([ending, new_interactions], ["done", meanwhile]);
  assert.match(worker.lines[0], /from model model-/);
  const { learned_from_scratch, learned_since } = await activeMetrics(pool);
  assert.deepEqual([learned_from_scratch, learned_since], [400, 99 + meanwhile]);
  assert.equal((await train()).new_interactions, 0, "no training, not even one from scratch, where nothing is new");
});

for (const [what, spoil, reason] of [
  ["other features", "feature_spec_digest = 'other'", /from scratch: model model-\S+ was trained for other features/],
  [
    "another community",
    `metrics = jsonb_set(metrics, '{community}', '"0b9c1a52-6a3e-4f0d-9d0b-1d2f3a4b5c6d"')`,
    /from scratch: model model-\S+ was trained on another community/,
  ],
  ["an older version", "metrics = '{}'", /from scratch: model model-\S+ does not say what it has learned from/],
  [
    "many trainings since one from scratch",
    'metrics = metrics || \'{"learned_from_scratch": 400, "learned_since": 100}\'',
    /from scratch: model model-\S+ has learned 100 first interactions since a training from scratch on 400/,
  ],
] as const)
  test(`from a model of ${what} no training goes on`, async () => {
    const kept = "feature_spec_digest, metrics";
    const { rows } = await pool.query(`select ${kept} from recsys.models where status = 'active'`);
    await pool.query(`update recsys.models set ${spoil} where status = 'active'`);
    if (isFull) {
      await passHours(pool, 3);
      await vote(pool, 10, 70);
      const { ratio, ending } = await train();
      assert.deepEqual([ending, ratio], ["done", 1]);
      assert.match(worker.lines[0], reason);
    } else {
      const active = await readWarmStart(database, worker.config);
      assert.match(`from scratch: ${typeof active === "string" ? active : retrainFromScratchReason(active)}`, reason);
      await pool.query(`update recsys.models set (${kept}) = ($1, $2) where status = 'active'`, Object.values(rows[0]));
    }
  });

test("where a kind weighs something else than it did for the model, no training goes on from it", async () => {
  await pool.query("update recsys.kinds set weight = 5 where kind = 'comment'");
  assert.match(
    String(await readWarmStart(database, worker.config)),
    /^recsys\.kinds is not what it was for model model-/,
  );
  await pool.query("update recsys.kinds set weight = 1 where kind = 'comment'");
});

test("told to end, it gives the request back, and the next worker goes on after the last finished stage", async () => {
  await pool.query("update recsys.models set feature_spec_digest = 'other' where status = 'active'");
  const stopping = new AbortController();
  const steps: string[] = [];
  const stopped = await train({
    signal: stopping.signal,
    onProgress: ({ step }) => step === "DLRM training" && stopping.abort(new Error("stopped")),
  });
  assert.deepEqual([stopped.ending, stopped.status, stopped.attempts], ["released", "running", 0]);
  const claim = (await claimRequest(database)) as Claim;
  assert.equal(claim.request, stopped.request);
  const onProgress: OnProgress = ({ step }) => void (steps.at(-1) !== step && steps.push(step));
  const context = { database, onProgress, signal: new AbortController().signal, print: () => {} };
  assert.equal(await processTrainingRequest(context, claim, worker.folder, worker.config), "done");
  assert.equal(steps[1], "ranking examples", `the towers are not trained again: ${steps.join(", ")}`);
  assert.equal((await requestRow(pool, claim.request)).status, "done");
});

test("a worker that is lost between publishing and saying so leaves a request that is found to be done", async () => {
  await passHours(pool, 3);
  const news = await vote(pool, 20, 70);
  const lost = await train({
    onProgress: ({ step, done }) => {
      if (step === "building the index" && done === 1) throw new Error("lost");
    },
  });
  assert.deepEqual([lost.ending, lost.status, lost.last_error], ["failed", "running", "lost"]);
  await pool.query("update recsys_engine.training_requests set due_at = now() where status = 'running'");
  const steps: string[] = [];
  const onProgress: OnProgress = ({ step }) => void steps.push(step);
  const context = { database, onProgress, signal: new AbortController().signal, print: () => {} };
  assert.equal(
    await processTrainingRequest(context, (await claimRequest(database)) as Claim, worker.folder, worker.config),
    "done",
  );
  assert.deepEqual(steps, []);
  const { status, new_interactions, model_id } = await requestRow(pool, lost.request);
  assert.deepEqual([status, new_interactions], ["done", news]);
  const { rows } = await pool.query("select model_id from recsys.models where status = 'active'");
  assert.equal(model_id, rows[0].model_id);
});

test("too little to learn from is a failure with the cure, and is not tried again", async (t) => {
  const empty = await testDatabase(t, "too_little");
  await fileRequest(empty.pool);
  const claim = (await claimRequest(empty)) as Claim;
  const context = { database: empty, onProgress: () => {}, signal: new AbortController().signal };
  assert.equal(
    await processTrainingRequest(
      { ...context, print: (line) => void worker.lines.push(line) },
      claim,
      worker.folder,
      worker.config,
    ),
    "failed",
  );
  const { status, last_error } = await requestRow(empty.pool, claim.request);
  assert.equal(status, "failed");
  assert.match(String(last_error), /^0 first interactions are too few to train on: 100 are needed/);
  assert.equal(await claimRequest(empty), undefined);
});
