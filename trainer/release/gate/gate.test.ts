/** A trained model and what may be wrong with the next one: what the gate refuses, and what it lets pass. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import onnxProto from "onnx-proto";
import { importBundle } from "../../../db/import/import-bundle.ts";
import { eitherDatabase } from "../../../db/testing.ts";
import { postFeatures } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { contracts } from "../../../supabase/functions/_shared/models/contracts.ts";
import { plusNothing, tinyGraphs } from "../../../testing/community.ts";
import { isFull, skipUnlessFull } from "../../../testing/courses.ts";
import { handMadeModel } from "../../../testing/gate.ts";
import { type ModelFolder, readModelFolder } from "../../artifacts/model-folder/model-folder.ts";
import { GraphBuilder } from "../../artifacts/onnx/graph-builder.ts";
import type { Community } from "../../data/replay/community.ts";
import { writeSyntheticCommunity } from "../../data/synthetic/write-synthetic-community.ts";
import { startBackend } from "../../models/nn/backend.ts";
import { Stopwatch } from "../../stopwatch.ts";
import { keptStages } from "../../testing-models.ts";
import { train } from "../../train-into-folder.ts";
import { configSchema } from "../../training/config/config.ts";
import { publish } from "../publish/publish.ts";
import { type Comparison, type Verdict, verdictLines } from "./verdict.ts";

const database = await eitherDatabase({ after }, "gate");
const { pool } = database;
const size = isFull ? { users: 90, posts: 250, days: 45 } : { users: 80, posts: 160, days: 45 };
let trained: ModelFolder;
/** The same training as it was before it learned from the held-out requests: what could have served until then. */
let earlier: ModelFolder;

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), "recsys-gate-"));
  try {
    await writeSyntheticCommunity(join(folder, "bundle"), { seed: 3, ...size });
    await importBundle(database, join(folder, "bundle"));
    // a ranker that learns from pages is judged by pages (held-out-metrics.test.ts)
    await pool.query("delete from recsys.impressions");
    const { rows } = await pool.query("select extract(epoch from max(at)) * 1000 as last from recsys_engine.timeline");
    const context = { database, onProgress: () => {}, signal: new AbortController().signal, print: () => {} };
    // so few people make the 100 held-out requests that are needed only where more of theirs are held out
    const config = configSchema.parse({ ranker: { interactionsPerRequest: 2, heldOut: isFull ? 0.3 : 0.4 } });
    const learning = { seed: 1, backend: await startBackend(), learnedUntil: Number(rows[0].last) };
    const checkpoint = {
      stopwatch: new Stopwatch(),
      stages: (community: Community) => keptStages({ community, config, others: learning }),
    };
    const folderOf = () => join(folder, "model");
    trained = await readModelFolder(await train(context, { ...learning, config, folderOf, checkpoint }));
  } finally {
    await rm(folder, { recursive: true });
  }
  const { graphs, userIdEmbeddings, postIdEmbeddings, from } = trained.heldBack;
  earlier = {
    ...(await withGraphs({ ...trained.graphs, ...graphs })),
    name: "earlier",
    userIdEmbeddings,
    postIdEmbeddings,
    learned_until: new Date(from - 1).toISOString(),
  };
});

/** The trained model with other graphs, whose samples fit them. */
async function withGraphs(graphs: ModelFolder["graphs"], heldBack = trained.heldBack): Promise<ModelFolder> {
  const { samples } = await handMadeModel({ name: "", community: trained.community, graphs });
  return { ...trained, graphs, samples, heldBack };
}

async function published(model: ModelFolder, name: string): Promise<Verdict> {
  let verdict: Verdict | undefined;
  const onVerdict = (given: Verdict) => {
    verdict = given;
  };
  await publish(database, { ...model, name }, { activate: false, onVerdict });
  assert.ok(verdict);
  const { rows } = await pool.query("select status, gate from recsys.models where name = $1", [name]);
  assert.deepEqual(rows, [{ status: "ready", gate: JSON.parse(JSON.stringify(verdict)) }]);
  return verdict;
}

async function refused(model: ModelFolder, name: string, why: RegExp): Promise<void> {
  const active = "select name from recsys.models where status = 'active'";
  const { rows: before } = await pool.query(active);
  await assert.rejects(publish(database, { ...model, name }, { activate: true }), { name: "UserError", message: why });
  const { rows } = await pool.query("select status, gate from recsys.models where name = $1", [name]);
  assert.deepEqual([rows[0].status, rows[0].gate.passed], ["rejected", false]);
  assert.match(
    rows[0].gate.reasons.join("; "),
    new RegExp(why.source.slice(why.source.indexOf("nothing changes: ") + 17)),
  );
  assert.deepEqual((await pool.query(active)).rows, before);
  const { rows: tables } = await pool.query(
    "select to_regclass('recsys_engine.post_embeddings_' || model_id) as posts from recsys.models where name = $1",
    [name],
  );
  assert.equal(tables[0].posts, null);
}

test("the first model of a database is compared with nothing", async () => {
  const verdict = await published(earlier, "first");
  assert.deepEqual(verdict.comparison, { skipped: "no model is active, so there is none to compare it with" });
  assert.ok(verdict.parity && verdict.parity.rows > 30 - 16 && verdict.parity.largest_difference < 1e-4);
  assert.match(verdictLines(verdict)[0], /^the gate lets it pass: ONNX Runtime is within \de[-+]\d of the trainer/);
  await pool.query("select recsys.activate_model(model_id) from recsys.models where name = 'first'");
});

/** Of the trained model compared with what it was before. */
let verdict: Verdict;

test("ONNX Runtime answers as the trainer did, and a rejected model can be published again", async () => {
  const dlrm = withWeights(trained.graphs.dlrm, (weights) => weights.reverse());
  await refused({ ...trained, graphs: { ...trained.graphs, dlrm } }, "as good", /the graphs are up to [\d.]+ away/);
  // a rejected model can be published again
  verdict = await published(trained, "as good");
  const { parity } = verdict;
  assert.ok(parity);
  // posts, users, and the rows of two requests
  assert.ok(parity.rows > 150, `${parity.rows} rows`);
  assert.ok(parity.largest_difference < 2e-5 && parity.largest_difference > 0, `${parity.largest_difference}`);
});

test("a model as good as the active one passes, on requests that neither learned from", () => {
  const { metrics, requests, from, earlier: before, ...comparison } = verdict.comparison as Comparison;
  assert.deepEqual(comparison, { with: "first", margin: 0.02 });
  assert.ok(requests >= 100, `${requests} requests`);
  assert.ok(Date.parse(from) >= trained.heldBack.from);
  // the active one is the candidate before it learned from them
  for (const [name, { candidate, other, worse }] of Object.entries(metrics)) {
    assert.ok(Math.abs(candidate - other) < 1e-3, `${name}: ${candidate} and ${other}`);
    assert.ok(Math.abs(worse) < 1e-3);
  }
  assert.ok(metrics.mrr && metrics["recall@20"] && metrics["cross-entropy view"]);
  assert.ok(metrics.mrr.other > 0.1, "it ranks at all");
  // on these both have learned from them, and the candidate from more
  assert.ok(before && before.requests >= 100, JSON.stringify(before));
  assert.deepEqual(Object.keys(before.metrics), ["mrr", "recall@20"]);
  assert.match(
    verdictLines(verdict)[1],
    /^on \d+ requests it has not learned from \(in brackets: first\): mrr 0\.\d{3} \(0\.\d{3}\), /,
  );
});

test("a worse model is refused", async () => {
  await refused(
    await withGraphs({ ...trained.graphs, dlrm: backwards() }),
    "worse",
    /^model worse is rejected, and nothing changes: mrr of the model is 0\.\d+ on \d+ requests, of first 0\.\d+: more than/,
  );
});

// how much towers are worth hangs on the community and the machine

test("a model whose last step broke its towers is refused", { skip: skipUnlessFull }, async () => {
  const broken = { ...trained.graphs, ...tinyGraphs(), dlrm: trained.graphs.dlrm };
  // towers are worth little in so small a community: without them mrr is 0.125 instead of 0.145, and recall@20 0.443
  // instead of 0.458
  await pool.query("update recsys.settings set gate_margin = 0.01");
  try {
    await refused(await withGraphs(broken), "broken", /nothing changes: .*as published/);
  } finally {
    await pool.query("update recsys.settings set gate_margin = default");
  }
});

test("scrambled weights are refused", async () => {
  for (const graph of ["user_tower", "post_tower", "dlrm"] as const) {
    const graphs = { ...trained.graphs, [graph]: withWeights(trained.graphs[graph], (weights) => weights.reverse()) };
    await refused(
      { ...trained, graphs },
      `scrambled ${graph}`,
      /nothing changes: the graphs are up to [\d.]+ away from what the trainer/,
    );
  }
});

test("a graph of another contract is refused, and one that is no graph", async () => {
  const { user_tower, post_tower, dlrm } = trained.graphs;
  const swapped = { user_tower: post_tower, post_tower: user_tower, dlrm };
  await refused(
    { ...trained, graphs: swapped },
    "swapped",
    /nothing changes: the contract is broken: user_tower: the graph has no input history/,
  );
  const garbage = { ...trained.graphs, dlrm: dlrm.subarray(0, 1000) };
  await refused({ ...trained, graphs: garbage }, "garbage", /nothing changes: the contract is broken: dlrm: /);
});

test("a graph that answers NaN is refused", async () => {
  const dlrm = withWeights(trained.graphs.dlrm, (weights) => weights.fill(Number.NaN));
  await refused(
    { ...trained, graphs: { ...trained.graphs, dlrm } },
    "nan",
    /nothing changes: the graphs are up to Infinity away/,
  );
});

test("a worse model that was rejected passes when the margin lets it", { skip: skipUnlessFull }, async () => {
  const worse = await withGraphs({ ...trained.graphs, dlrm: backwards() });
  const { rows } = await pool.query("select status from recsys.models where name = 'worse'");
  assert.deepEqual(rows, [{ status: "rejected" }]);
  await refused(worse, "worse", /nothing changes: mrr/);
  await pool.query("update recsys.settings set gate_margin = 1000");
  try {
    await published(worse, "worse");
  } finally {
    await pool.query("update recsys.settings set gate_margin = default");
  }
});

test("where the active model learned from every request, the new one is compared with the recency baseline", async () => {
  await pool.query("update recsys.models set learned_until = null where status = 'active'");
  const assertBaseline = (comparison: Verdict["comparison"]) => {
    assert.equal((comparison as Comparison).with, "recency baseline");
    assert.deepEqual(Object.keys((comparison as Comparison).metrics), ["mrr", "recall@20"]);
  };
  if (isFull) assertBaseline((await published(trained, "against the baseline")).comparison);
  const worse = await withGraphs({ ...trained.graphs, dlrm: backwards() });
  await refused(
    worse,
    "below the baseline",
    /nothing changes: mrr of the model is 0\.\d+ on \d+ requests, of recency baseline/,
  );
  const { rows } = await pool.query("select gate from recsys.models where name = 'below the baseline'");
  assertBaseline(rows[0].gate.comparison);
});

test("without enough held-out requests nothing is compared", async () => {
  const heldBack = { ...trained.heldBack, from: Date.parse(trained.learned_until) - 60_000 };
  const { comparison } = await published({ ...trained, heldBack }, "too few");
  assert.match(
    (comparison as { skipped: string }).skipped,
    /^\d held-out requests are too few to compare it on \(100 of 20 people\)$/,
  );
});

test("a model that pleases those who came last is refused for those who were there before", async () => {
  const { rows } = await pool.query(
    `update recsys.models set learned_until = (select max(at) + interval '1 second' from recsys_engine.timeline) where status = 'active'
     returning extract(epoch from learned_until) * 1000 as at`,
  );
  // who they are is no matter: the gate asks for no other people, since no others did anything since
  await pool.query(
    `with people as (
       insert into public.profiles (id, external_id, created_at)
       select md5('late ' || i)::uuid, 'late-' || i, to_timestamp($1::double precision / 1000) - interval '3 days' from generate_series(1, 25) as i
       returning id
     ),
     -- on somebody's first day what they do would be a burst, and count for nothing
     before as (
       insert into public.post_views (user_id, post_id, created_at)
       select people.id, posts.id, to_timestamp($1::double precision / 1000) - interval '2 days'
       from people, (select id from public.posts order by created_at limit 1) as posts
     )
     insert into public.post_views (user_id, post_id, created_at)
     select people.id, oldest.post_id, to_timestamp($1::double precision / 1000) + oldest.number * interval '1 second'
     -- each interacts with the posts that the ranker below ranks first: old ones without recent interactions
     from (select id, row_number() over (order by id) as number from people) as people
     join (
       select posts.post_id, row_number() over (order by ln(1 + extract(epoch from now.at - posts.created_at) / 3600)
         + ln(1 + extract(epoch from now.at - coalesce(stats.last_active_at, posts.created_at)) / 3600) desc) as number
       from recsys.source_posts as posts
       left join recsys_engine.latest_post_stats as stats using (post_id)
       cross join (select to_timestamp($1::double precision / 1000) as at) as now
       where posts.created_at < now.at
     ) as oldest on (oldest.number - 1) % 25 + 1 = people.number and oldest.number <= 150`,
    [rows[0].at],
  );
  await pool.query("select recsys.roll_up(null)");
  const worse = await withGraphs(
    { ...trained.graphs, dlrm: backwards() },
    { ...trained.heldBack, from: Number(rows[0].at) },
  );
  await refused(
    worse,
    "pleases the last",
    /nothing changes: .*mrr of the model as published is 0\.\d+ on \d+ earlier requests/,
  );
  const { rows: models } = await pool.query("select gate from recsys.models where name = 'pleases the last'");
  const { metrics } = models[0].gate.comparison as Comparison;
  assert.ok(metrics.mrr && metrics.mrr.candidate > metrics.mrr.other + 0.1, JSON.stringify(metrics.mrr));
});

/** A ranker that puts posts first whose last interaction is the oldest. */
function backwards(): Uint8Array {
  const g = new GraphBuilder("dlrm");
  const { post_features, ...unread } = g.inputsOf(contracts.dlrm);
  const weights = new Float32Array(postFeatures.length * 3);
  for (const name of ["log_idle", "log_age"])
    weights.fill(0.5, postFeatures.indexOf(name) * 3, postFeatures.indexOf(name) * 3 + 3);
  const logits = g.dense(post_features, weights, new Float32Array(3).fill(-10));
  g.output("probabilities", g.sigmoid(plusNothing(g, logits, unread)), contracts.dlrm.outputs.probabilities.dims);
  return g.build();
}

/** The same graph with other numbers in its largest weight. */
function withWeights(bytes: Uint8Array, change: (weights: Float32Array) => void): Uint8Array {
  const model = onnxProto.onnx.ModelProto.decode(bytes);
  const initializers = model.graph?.initializer ?? [];
  const largest = initializers.reduce((a, b) => ((b.rawData?.length ?? 0) > (a.rawData?.length ?? 0) ? b : a));
  assert.ok(largest.rawData);
  // a copy: the decoded bytes are a part of the given ones
  const weights = new Float32Array(Uint8Array.from(largest.rawData).buffer);
  change(weights);
  largest.rawData = new Uint8Array(weights.buffer);
  return onnxProto.onnx.ModelProto.encode(model).finish();
}
