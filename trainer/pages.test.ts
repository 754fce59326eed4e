/** Training where pages were logged: what is read of the log, what is learned from it and up to when, and how the gate judges by it. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { importBundle } from "../db/import/import-bundle.ts";
import { eitherDatabase } from "../db/testing.ts";
import { communityFromDatabase, type LoadedCommunity } from "./community/from-database.ts";
import { quickConfig } from "./config/testing.ts";
import { labelWindow } from "./dlrm/requests.ts";
import { startBackend } from "./engine/backend.ts";
import { dlrmGraph } from "./export/dlrm.ts";
import { dlrmOf, towersOf } from "./export/read-weights.ts";
import { postTowerGraph, userTowerGraph } from "./export/towers.ts";
import { type EarlierModel, type TrainedModel, trainModel } from "./pipeline.ts";
import { writeSyntheticCommunity } from "./synthetic/write-synthetic-community.ts";

const database = await eitherDatabase({ after }, "pages");
const options = { seed: 1, scoreWeights: [0.2, 1, 1] };
let loaded: LoadedCommunity;
let model: TrainedModel;
/** The day before the last. */
let until: number;

before(async () => {
  await startBackend();
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  await writeSyntheticCommunity(folder, { seed: 5, users: 300, posts: 500, days: 30 });
  await importBundle(database, folder);
  await rm(folder, { recursive: true });
  loaded = await communityFromDatabase(database);
  until = loaded.timeline.at[loaded.timeline.length - 1] - labelWindow;
  model = await trainModel(loaded, { ...options, until });
});

test("a page is what one request showed, in its order", async () => {
  const { rows } = await database.pool.query(
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

test("where the app said what came into view, the rest of the page was not shown", async () => {
  const client = await database.pool.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query(
      `update recsys.impressions set seen_at = shown_at where position <= 2 and request_id = (select request_id from recsys.impressions limit 1)
       returning request_id, extract(epoch from shown_at) * 1000 as at`,
    );
    assert.equal(rows.length, 2);
    const { readPages } = await import("./community/pages.ts");
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
function earlier(learnedFrom: EarlierModel["learnedFrom"] = "pages"): EarlierModel {
  const { towers } = model.towers;
  return {
    towers: {
      ...towersOf(userTowerGraph(towers), postTowerGraph(towers)),
      userIdEmbeddings: towers.userIdEmbeddings.copy(),
      postIdEmbeddings: towers.postIdEmbeddings.copy(),
    },
    dlrm: dlrmOf(dlrmGraph(model.dlrm)),
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
  const fromScratch = await trainModel(loaded, {
    ...options,
    config: quickConfig,
    until,
    from: earlier("interactions"),
  });
  assert.equal(fromScratch.wentOn, false);
});

test("where nothing was shown the ranker learns from first interactions, up to the last", async () => {
  const without = await trainModel({ ...loaded, pages: [] }, { ...options, config: quickConfig, until });
  assert.equal(without.learnedFrom, "interactions");
  assert.equal(without.learnedUntil, until);
});
