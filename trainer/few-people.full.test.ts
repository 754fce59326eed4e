/**
 * Ten accounts that keep to the rate limits are shown thousands of pages and act on the oldest post of each. A model trained on that serves the others
 * as one trained without it, or the gate refuses it; and trained from scratch once they are gone it is the same to the last weight. ATTACK=12000 plays
 * it in full; with ACCOUNTS=100 it says what a hundred do, and asks for nothing.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { importBundle } from "../db/import/import-bundle.ts";
import { eitherDatabase } from "../db/testing.ts";
import { kinds } from "../supabase/functions/_shared/features/kinds.ts";
import { idEmbeddingsOf } from "./artifacts/model-folder/id-embeddings.ts";
import type { TrainedModel } from "./artifacts/model-folder/trained-model.ts";
import { dlrmGraph } from "./artifacts/onnx/dlrm.ts";
import { dlrmOf, towersOf } from "./artifacts/onnx/read-weights.ts";
import { postTowerGraph, userTowerGraph } from "./artifacts/onnx/towers.ts";
import { communityFromDatabase, type LoadedCommunity, trainingEvents } from "./data/replay/from-database.ts";
import { topTenUserShare } from "./data/replay/per-user-cap.ts";
import { rollUpAll } from "./data/replay/roll-up.ts";
import { writeSyntheticCommunity } from "./data/synthetic/write-synthetic-community.ts";
import { headsOfPages } from "./evaluation/evaluate-models.ts";
import { startBackend } from "./models/nn/backend.ts";
import { labelWindow, requestsBetween } from "./models/ranker/requests.ts";
import { trainModel } from "./pipeline.ts";
import { HeldOutMetrics } from "./release/gate/held-out-metrics.ts";
import { modelInMemory } from "./release/gate/model-in-memory.ts";
import { type ReplayedModel, rankedRequests } from "./release/gate/ranked-requests.ts";
import { configSchema, defaultConfig } from "./training/config/config.ts";
import { earlierModel } from "./warm-start.ts";

const pages = Number(process.env.ATTACK ?? 2000);
const accounts = Number(process.env.ACCOUNTS ?? 10);
const inFull = pages > 2000;
const day = labelWindow;
const database = await eitherDatabase({ after }, "few_people");
const { pool } = database;
// the few pages of the short form are what its ranker learns from
const config = inFull ? defaultConfig : configSchema.parse({ ranker: { enoughPages: 100 } });
const options = { seed: 1, scoreWeights: [0.2, 1, 1], config };
const watched = { weights: { view: 0.2, vote: 1, comment: 1 }, onProgress: () => {} };
/** Without the attack. */
let honest: LoadedCommunity;
let attacked: LoadedCommunity;
/** What is trained learns up to here; what comes after it is of the others alone. */
let until: number;
let without: TrainedModel;

before(async () => {
  await startBackend();
  const folder = await mkdtemp(join(tmpdir(), "recsys-"));
  const size = inFull ? { users: 1000, posts: 2500, days: 90 } : { users: 200, posts: 400, days: 30 };
  await writeSyntheticCommunity(folder, { seed: 5, ...size });
  await importBundle(database, folder);
  await rm(folder, { recursive: true });
  await rollUp();
  honest = await read();
  until = honest.timeline.at[honest.timeline.length - 1] - (inFull ? 7 : 4) * day;
  await attack(until - day - 11 * 60_000);
  attacked = await read();
  without = await trainModel(honest, { ...options, until });
});

async function rollUp(): Promise<void> {
  await rollUpAll(database, () => {}, AbortSignal.timeout(3_600_000));
}

function read(): Promise<LoadedCommunity> {
  return communityFromDatabase(database, () => {}, trainingEvents);
}

/** The accounts, for ten minutes: each page has ten posts, and the oldest of them is viewed. */
async function attack(at: number): Promise<void> {
  await pool.query(
    `insert into public.profiles (id, external_id, created_at)
     select md5('ten ' || i)::uuid, 'ten-' || i, to_timestamp($1::double precision / 1000) - interval '1 day' from generate_series(1, $2::integer) as i`,
    [at, accounts],
  );
  await pool.query(
    `create temporary table shown as
     select md5('page ' || page)::uuid as request_id, md5('ten ' || page % $3::integer + 1)::uuid as user_id, posts.post_id, posts.created_at,
       row_number() over (partition by page) as position, to_timestamp($1::double precision / 1000) + page * interval '600 seconds' / $2::integer as shown_at
     from generate_series(1, $2::integer) as page
     cross join lateral (
       select post_id, created_at from (
         select post_id, created_at, row_number() over (order by post_id) as number, count(*) over () as posts from recsys.source_posts where created_at < to_timestamp($1::double precision / 1000)
       ) as numbered
       where (number * 7919 + page * 31) % posts < 10
     ) as posts`,
    [at, pages, accounts],
  );
  await pool.query("select recsys_engine.make_impression_partitions()");
  await pool.query(
    "insert into recsys.impressions (request_id, user_id, post_id, position, shown_at) select request_id, user_id, post_id, position, shown_at from shown",
  );
  await pool.query(
    `insert into public.post_views (user_id, post_id, created_at)
     select distinct on (request_id) user_id, post_id, shown_at + interval '1 second' from shown order by request_id, created_at`,
  );
  await rollUp();
}

/** A model as it serves those who do not attack. */
function serving(
  name: string,
  { towers: { towers }, dlrm }: TrainedModel,
  of: LoadedCommunity,
): Promise<ReplayedModel> {
  const { users, posts } = of.community;
  const parts = {
    graphs: { user_tower: userTowerGraph(towers), post_tower: postTowerGraph(towers) },
    dlrm: dlrmGraph(dlrm),
    heads: dlrm.heads,
    userIdEmbeddings: idEmbeddingsOf(users.ids, towers.userIdEmbeddings),
    postIdEmbeddings: idEmbeddingsOf(posts.ids, towers.postIdEmbeddings),
    neighbours: new Map(),
  };
  return modelInMemory(name, honest.community, parts, watched);
}

/** What two models are worth to the honest after `until`: recall@20 of what they interact with, and AUC of views of what they are shown. */
async function assertAlike(other: TrainedModel, comparedWith = without): Promise<void> {
  const models = {
    without: await serving("without", comparedWith, honest),
    with: await serving("with", other, attacked),
  };
  const all = requestsBetween(honest.community, honest.timeline, until, Number.POSITIVE_INFINITY);
  const requests = inFull ? all.slice(0, 2000) : all.slice(0, 400);
  const names = ["without", "with"] as const;
  const metrics = new HeldOutMetrics([...names]);
  for await (const [request, ranked] of rankedRequests(honest, requests, models, watched)) metrics.add(request, ranked);
  const shown = await headsOfPages(honest, models, { testFrom: until, sample: inFull ? 2000 : 300 }, watched);
  const auc = (by: string) => shown?.metrics.find((each) => each.by === by && each.head.startsWith(kinds[0]))?.auc ?? 0;
  const inLists = metrics.worse("with", "without", "recall@20");
  const inPages = shown?.paired.worse("with", "without", "mrr");
  const said = `${names.map((name) => `${name}: R@20 ${metrics.mean(name, "recall@20")?.toFixed(3)}, MRR of pages ${shown?.paired.mean(name, "mrr")?.toFixed(3)}, AUC ${auc(name).toFixed(3)}`).join("; ")}; worse by ${inLists?.mean.toFixed(3)} ± ${inLists?.error.toFixed(3)} and ${inPages?.mean.toFixed(3)} ± ${inPages?.error.toFixed(3)}`;
  if (inFull || accounts > 10) console.log(said);
  if (accounts > 10) return;
  for (const worse of [inLists, inPages]) assert.ok(worse && worse.mean <= 0.01 + 2 * worse.error, said);
  if (inFull) assert.ok(auc("with") >= auc("without") - 0.01, said);
}

test("of ten people no more is read and learned than a day's share", { skip: accounts > 10 }, () => {
  const { users } = attacked.community;
  const theirs = attacked.pages.filter(({ user }) => users.externalIds?.[user].startsWith("ten-"));
  assert.equal(theirs.length, 200);
  assert.ok(topTenUserShare(attacked.pages.map(({ user }) => user)).ten < 0.4);
});

test("trained from scratch the model serves the others as one trained without", async () => {
  const model = await trainModel(attacked, { ...options, until });
  assert.deepEqual([model.learnedFrom, without.learnedFrom], ["pages", "pages"]);
  await assertAlike(model);
});

test("fine-tuning an earlier model, too", async () => {
  const since = until - 3 * day;
  const model = await trainModel(honest, { ...options, until: since });
  const { towers } = model.towers;
  const { users, posts } = honest.community;
  const earlierOf = ({ community }: LoadedCommunity) =>
    earlierModel(
      {
        towers: towersOf(userTowerGraph(towers), postTowerGraph(towers)),
        userIdEmbeddings: idEmbeddingsOf(users.ids, towers.userIdEmbeddings),
        postIdEmbeddings: idEmbeddingsOf(posts.ids, towers.postIdEmbeddings),
        dlrm: dlrmOf(dlrmGraph(model.dlrm)),
        hasNeighbours: false,
        learnedUntil: model.learnedUntil,
        learnedFrom: model.learnedFrom,
      },
      community,
    );
  // compared with one that is fine-tuned too: that alone is 0.027 of R@20 below training from scratch here
  const [next, unattacked] = [
    await trainModel(attacked, { ...options, until, from: earlierOf(attacked) }),
    await trainModel(honest, { ...options, until, from: earlierOf(honest) }),
  ];
  assert.deepEqual([next.wentOn, unattacked.wentOn], [true, true]);
  await assertAlike(next, unattacked);
});

test("once their accounts are deleted and erased, training from scratch reads and learns what it did before them", async () => {
  await pool.query("delete from public.profiles where external_id like 'ten-%'");
  await pool.query("select recsys.erase()");
  await rollUp();
  const healed = await read();
  assert.deepEqual(healed.pages, honest.pages);
  assert.deepEqual(healed.community, honest.community);
  const [is, was] = [healed, honest].map(({ timeline }) =>
    Array.from({ length: timeline.length }, (_, i) => JSON.stringify([timeline.postAfter(i), timeline.userAfter(i)])),
  );
  assert.equal(is.length, was.length);
  assert.equal(
    is.findIndex((state, i) => state !== was[i]),
    -1,
  );
  // from the same it learns the same (pipeline.test.ts)
  if (!inFull) return;
  const model = await trainModel(healed, { ...options, until });
  assert.deepEqual(dlrmGraph(model.dlrm), dlrmGraph(without.dlrm));
  assert.deepEqual(model.postVectors, without.postVectors);
});
