/**
 * Training where pages were logged: what is read of the log, what is learned from it and up to when, and how the gate judges by it. Some of what they
 * showed was dismissed: when a ranker has the head, what it says on later pages, and how it is published.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { importBundle } from "../db/import/import-bundle.ts";
import { eitherDatabase } from "../db/testing.ts";
import { readModelFolder } from "./artifacts/model-folder/model-folder.ts";
import type { TrainedModel, WarmStartModel } from "./artifacts/model-folder/trained-model.ts";
import { dlrmGraph } from "./artifacts/onnx/dlrm.ts";
import { dlrmOf, towersOf } from "./artifacts/onnx/read-weights.ts";
import { postTowerGraph, userTowerGraph } from "./artifacts/onnx/towers.ts";
import { communityFromDatabase, type LoadedCommunity } from "./data/replay/from-database.ts";
import { readPages, type ShownPage } from "./data/replay/pages.ts";
import { writeSyntheticCommunity } from "./data/synthetic/write-synthetic-community.ts";
import { startBackend } from "./models/nn/backend.ts";
import { headsOf, withHeads } from "./models/ranker/optional-heads.ts";
import { pageRequests } from "./models/ranker/page-requests.ts";
import type { RankingExamples } from "./models/ranker/ranking-examples.ts";
import { labelWindow } from "./models/ranker/requests.ts";
import { trainModel } from "./pipeline.ts";
import { publish } from "./release/publish/publish.ts";
import { temporaryFolder } from "./testing.ts";
import { trainIntoFolder } from "./train-into-folder.ts";
import { quickConfig } from "./training/config/testing.ts";
import { readWarmStart } from "./warm-start.ts";

const database = await eitherDatabase({ after }, "pages");
const { pool } = database;
const options = { seed: 1, scoreWeights: [0.2, 1, 1] };
/** For a training that is asked what it learned from, and not what. */
const few = { ...quickConfig, ranker: { ...quickConfig.ranker, maximumRequests: 200 } };
const four = ["view", "vote", "comment", "dismiss"];
let loaded: LoadedCommunity;
let model: TrainedModel;
/** The day before the last. */
let until: number;

before(async () => {
  await startBackend();
  const folder = await temporaryFolder({ after });
  await writeSyntheticCommunity(folder, { seed: 5, users: 300, posts: 500, days: 30, dismisses: true });
  await importBundle(database, folder);
  await pool.query("select recsys.roll_up(null)");
  loaded = await communityFromDatabase(database);
  until = loaded.timeline.at[loaded.timeline.length - 1] - labelWindow;
  model = await trainModel(loaded, { ...options, until });
});

test("a page is what one request showed, in its order", async () => {
  const { rows } = await pool.query(
    `select count(distinct request_id)::integer as pages, count(*)::integer as impressions from recsys.impressions`,
  );
  assert.equal(loaded.pages.length, rows[0].pages);
  assert.equal(
    loaded.pages.reduce((sum, { posts }) => sum + posts.length, 0),
    rows[0].impressions,
  );
  for (const { positions } of loaded.pages.slice(0, 50))
    assert.deepEqual(
      positions,
      positions.map((_, i) => i + 1),
    );
  const times = loaded.pages.map(({ at }) => at);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
});

test("where the app said what was seen, the rest of the page was not shown", async () => {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query(
      `update recsys.impressions set seen_at = shown_at where position <= 2 and request_id = (select request_id from recsys.impressions limit 1)
       returning request_id, extract(epoch from shown_at) * 1000 as at`,
    );
    assert.equal(rows.length, 2);
    const numbers = (ids: string[]) => new Map(ids.map((id, i) => [id, i]));
    const { users, posts } = loaded.community;
    const pages = await readPages(client, { users: numbers(users.ids), posts: numbers(posts.ids) }, 1_000_000);
    const at = Number(rows[0].at);
    assert.deepEqual(pages.find((page) => page.at === at && page.posts.length === 2)?.positions, [1, 2]);
    const some = await readPages(client, { users: numbers(users.ids), posts: numbers(posts.ids) }, 300);
    assert.ok(some.length > 150 && some.length <= 400, `${some.length} of ${pages.length} pages`);
  } finally {
    await client.query("rollback");
    client.release();
  }
});

test("the ranker learns from pages, and all of it stops a day before what is known, when labels have had their day", () => {
  assert.equal(model.learnedFrom, "pages");
  assert.equal(model.wentOn, false);
  assert.equal(model.learnedUntil, until - labelWindow);
  const pages = loaded.pages.filter(({ at }) => at < until - labelWindow).length;
  assert.ok(model.requests > 500 && model.requests <= pages, `${model.requests} of ${pages} pages`);
  assert.ok(Math.min(...model.heldOutLosses) < model.heldOutLosses[0], model.heldOutLosses.join(" "));
});

test("it learns that a post far down is passed by for that, too", () => {
  const [ofViews] = model.dlrm.dense.values("position");
  // it begins at 0, and the community's law is a power of -0.4 of the place
  assert.ok(ofViews < -0.01 && ofViews > -0.8, `${ofViews}`);
});

/** A copy, since training changes it. */
function earlier(learnedFrom: WarmStartModel["learnedFrom"] = "pages"): WarmStartModel {
  const { towers } = model.towers;
  return {
    towers: {
      ...towersOf(userTowerGraph(towers), postTowerGraph(towers)),
      userIdEmbeddings: towers.userIdEmbeddings.copy(),
      postIdEmbeddings: towers.postIdEmbeddings.copy(),
    },
    dlrm: dlrmOf(dlrmGraph(model.dlrm), model.dlrm.heads),
    hasNeighbours: false,
    learnedUntil: model.learnedUntil,
    learnedFrom,
  };
}

test("a later training goes on with the pages of one more day; from a model of first interactions it starts from scratch", async () => {
  const next = await trainModel(loaded, { ...options, from: earlier() });
  assert.equal(next.wentOn, true);
  const { at, length } = loaded.timeline;
  const settled = at[length - 1] + 1 - labelWindow;
  assert.equal(next.learnedUntil, settled);
  const pages = loaded.pages.filter((page) => page.at >= model.learnedUntil && page.at < settled);
  assert.ok(next.requests > 20 && next.requests <= pages.length, `${next.requests} of ${pages.length}`);
  assert.notDeepEqual(next.dlrm.dense.values("position"), model.dlrm.dense.values("position"));
  assert.deepEqual(next.dlrm.heads, four);
  assert.notDeepEqual(next.dlrm.dense.values("bias")[3], model.dlrm.dense.values("bias")[3]);
  const fromScratch = await trainModel(loaded, {
    ...options,
    config: few,
    until,
    from: earlier("interactions"),
  });
  assert.equal(fromScratch.wentOn, false);
});

test("where nothing was shown the ranker learns from first interactions, up to the last", async () => {
  const without = await trainModel({ ...loaded, pages: [] }, { ...options, config: few, until });
  assert.equal(without.learnedFrom, "interactions");
  assert.equal(without.learnedUntil, until);
});

test("pages know what was dismissed of them, and nothing of long views, which nobody asked for", async () => {
  const told = loaded.pages.flatMap(({ told }) => told ?? []);
  const { rows } = await pool.query(
    "select count(*)::int as n from recsys_engine.optional_head_labels('-infinity', 'infinity') where head = 'dismiss'",
  );
  assert.ok(rows[0].n > 300, `${rows[0].n}`);
  assert.equal(told.filter(({ dismiss }) => dismiss === 1).length, rows[0].n);
  assert.ok(told.every(({ long_view }) => long_view === undefined));
});

test("where the pages hold enough dismissals the ranker has the head, and expects about as many as there were", () => {
  assert.deepEqual(model.dlrm.heads, four);
  assert.equal(model.learnedFrom, "pages");
  const [scale, shift] = [model.dlrm.calibration.scale[3], model.dlrm.calibration.shift[3]];
  assert.ok(scale > 0.1 && scale < 5 && Math.abs(shift) < 5, `${scale} ${shift}`);
});

test("where they do not, the ranker learns from the same labels as where nobody knows of any", () => {
  const posts = loaded.community.posts.ids.length;
  const requestsOf = (pages: ShownPage[]) => pageRequests(pages, loaded.timeline, posts, 0, until);
  const ofOne = requestsOf(
    loaded.pages.map((page) => ({ ...page, told: page.posts.map(() => ({ dismiss: Number(page.user === 7) })) })),
  );
  assert.ok(ofOne.some(({ shown }) => shown.some(({ told }) => told?.dismiss === 1)));
  const heads = headsOf(ofOne);
  assert.deepEqual(heads, ["view", "vote", "comment"], "one person's dismissals");
  const ofNobody = requestsOf(loaded.pages.map(({ told: _, ...page }) => page));
  assert.deepEqual(withHeads(ofOne, heads), ofNobody);
});

test("a model with the head is published, judged by it, read back, and followed by one that is compared with it", async () => {
  await pool.query("update recsys.settings set long_view_seconds = 20, gate_margin = 1000");
  const folder = await temporaryFolder({ after });
  const context = { database, onProgress: () => {}, signal: new AbortController().signal, print: () => {} };
  const trained = await readModelFolder(
    await trainIntoFolder(context, { seed: 1, config: quickConfig, out: join(folder, "a"), parent: folder }),
  );
  assert.deepEqual(trained.heads, four, "nobody said how long a view was");
  const id = await publish(database, trained, { activate: true });
  const { rows } = await pool.query("select heads from recsys.models where model_id = $1", [id]);
  assert.deepEqual(rows[0].heads, four);
  const active = await readWarmStart(database, quickConfig);
  assert.ok(typeof active !== "string", String(active));
  assert.deepEqual(active.dlrm.heads, four);
  assert.deepEqual(Buffer.from(dlrmGraph(active.dlrm)), Buffer.from(trained.graphs.dlrm));
  await pool.query("update recsys.models set learned_until = $1", [new Date(trained.heldBack.from).toISOString()]);
  let metrics: object = {};
  await publish(
    database,
    { ...trained, name: "again" },
    {
      activate: false,
      onVerdict: ({ comparison }) => {
        metrics = "metrics" in comparison ? comparison.metrics : comparison;
      },
    },
  );
  assert.ok("cross-entropy view" in metrics && "cross-entropy dismiss" in metrics, Object.keys(metrics).join());
  const swapped = { ...trained, name: "three", heads: trained.heads.slice(0, 3) };
  await assert.rejects(
    publish(database, swapped, { activate: true }),
    /the contract is broken: dlrm: .*\[N, 4\], not \[N, 3\]/,
  );
});

test("views of as many seconds as the operator says make the other head", async () => {
  await pool.query("update recsys.settings set long_view_seconds = 30");
  // every third person stays with what they open
  await pool.query(
    "update public.post_views set value = case when hashtext(user_id::text) % 3 = 0 then 45 else 10 end",
  );
  const again = await communityFromDatabase(database);
  const told = again.pages.flatMap(({ told }) => told ?? []);
  assert.ok(told.every(({ long_view }) => long_view === 0 || long_view === 1));
  let happened: number[] = [];
  const onExamples = (examples: RankingExamples) => {
    happened = [0, 4].map((head) => examples.requests.reduce((sum, _, i) => sum + examples.positives(i, head), 0));
  };
  const { dlrm, sampled } = await trainModel(again, { ...options, config: quickConfig, until, onExamples });
  assert.deepEqual(dlrm.heads, [...four, "long_view"]);
  assert.equal(sampled[0].heads.length, 5);
  const [views, longViews] = happened;
  assert.ok(longViews > 0.2 * views && longViews < 0.5 * views, `${longViews} of ${views} views`);
});
