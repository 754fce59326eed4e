/** cluster/ held against the trainer and against ONNX: the same weights, the same batches, the same draws of chance. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createReverseScope, eitherDatabase } from "../../db/testing.ts";
import { categories } from "../../supabase/functions/_shared/features/categories.ts";
import type { Head } from "../../supabase/functions/_shared/features/kinds.ts";
import { postTowerInputs, userTowerInputs } from "../../supabase/functions/_shared/features/tower-inputs.ts";
import { loadRuntime } from "../../supabase/functions/_shared/models/inference.ts";
import { isFull } from "../../testing/courses.ts";
import { assertClose } from "../../testing/onnx/assert-close.ts";
import { dlrmFeeds } from "../artifacts/model-folder/samples.ts";
import { dlrmGraph } from "../artifacts/onnx/dlrm.ts";
import { postTowerGraph, userTowerGraph } from "../artifacts/onnx/towers.ts";
import { buildRankerExamples } from "../build-ranker-examples.ts";
import { withVectors } from "../data/app-embeddings/read-vectors.ts";
import { communityFromDatabase, type LoadedCommunity, trainingEvents } from "../data/replay/from-database.ts";
import { postText, userText } from "../data/replay/texts.ts";
import { startBackend } from "../models/nn/backend.ts";
import { lossAndGradients, type Matrix } from "../models/nn/dense.ts";
import { Random } from "../models/nn/random.ts";
import { vectorAt } from "../models/nn/vector-at.ts";
import { constants, lookUps, masks, targetsOf } from "../models/ranker/batch.ts";
import { dlrmLoss } from "../models/ranker/loss.ts";
import type { Dlrm } from "../models/ranker/model.ts";
import { type RankingExamples, sampledRequests } from "../models/ranker/ranking-examples.ts";
import { randomExamples } from "../models/ranker/testing.ts";
import { examplesOfTowers } from "../models/towers/examples.ts";
import { meanVectorOf, TowerData, type Towers } from "../models/towers/model.ts";
import { positivesBefore } from "../models/towers/positives.ts";
import { towerTrainer } from "../models/towers/tower-trainer.ts";
import { batchOf } from "../models/towers/train.ts";
import { temporaryFolder } from "../testing.ts";
import { type Plan, planTraining, trainingScopeOf } from "../training-plan.ts";
import { type ExportContext, exportData, exportForRanker } from "./export-data.ts";
import { importTrained } from "./import-model.ts";
import { trainedElsewhere } from "./imported-model.ts";
import { readManifest } from "./manifest.ts";
import { writeRankerStage } from "./ranker-stage.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { wholeExport } from "./shard.ts";
import { identityOf } from "./stage.ts";
import {
  type ClusterPrograms,
  exportContext,
  exportOptions,
  fillCommunityToExport,
  quickConfig,
  requireSuccess,
  startClusterPrograms,
  withoutTorch,
} from "./testing.ts";
import { dlrmOfWeights, towersOfWeights } from "./weights.ts";

const { towers: towerOptions, ranker: rankerOptions } = quickConfig;
const scoreWeights = [0.2, 1, 1];
const seed = 1;

/** Random draws that are also written down. */
class NotedRandom extends Random {
  readonly noted: number[] = [];
  override below(n: number): number {
    return this.note(super.below(n));
  }
  override uniform(): number {
    return this.note(super.uniform());
  }
  take(count: number): number[] {
    return this.noted.splice(0, count);
  }
  private note(value: number): number {
    this.noted.push(value);
    return value;
  }
}

let context: ExportContext;
let folder: string;
let loaded: LoadedCommunity;
let plan: Plan;
/** Stages that give a batch: two of the community, and one of invented requests with optional heads. Only test:full trains them. */
type Stage = "towers" | "ranker" | "five/ranker";
const stages: Stage[] = isFull ? ["towers", "ranker", "five/ranker"] : ["towers", "five/ranker"];
/** What the trainer says of these batches, and what PyTorch says. */
const ours = {} as Record<Stage, Record<string, Float32Array>>;
const theirs = {} as Record<Stage, Record<string, Matrix>>;
let printed: string[];
let model: string;

let runCluster: ClusterPrograms;
const outputOf = async (...run: Parameters<ClusterPrograms>) => requireSuccess(await runCluster(...run));

// a hook that calls `after` has it run after the first test
const scope = createReverseScope({ after });

before(async () => {
  if (withoutTorch) return;
  await startBackend();
  runCluster = startClusterPrograms(scope);
  folder = await temporaryFolder(scope);
  const database = await eitherDatabase(scope, "pytorch");
  await fillCommunityToExport(scope, database, { withVectors: true, ...(!isFull && { users: 120, posts: 200 }) });
  printed = [];
  context = exportContext(database, (line) => printed.push(line));
  await exportData(context, exportOptions(folder));
  if (isFull) {
    await outputOf("train.py", [join(folder, "towers")]);
    await exportForRanker(context, folder, wholeExport);
    await outputOf("train.py", [join(folder, "ranker"), join(folder, "fine-tuning")]);
  } else await writeDisturbedStart(join(folder, "towers"), new Random(3));
  model = join(folder, "model");
  const read = await communityFromDatabase(database, undefined, trainingEvents);
  const { vectors } = await readManifest(folder);
  loaded = { ...read, community: await withVectors(database, read.community, vectors) };
  const until = Date.parse((await readManifest(folder)).to);
  plan = planTraining(loaded, trainingScopeOf(loaded, { seed, config: quickConfig, until }), {
    seed,
    config: quickConfig,
  });
  const asked = {
    towers: await throughTowers(),
    ...(isFull && { ranker: await throughTrainedRanker() }),
    "five/ranker": await throughFiveHeads(),
  };
  await writeFile(join(folder, "asked.json"), JSON.stringify(asked));
  await outputOf("testing_batch.py", [folder]);
  for (const stage of stages)
    theirs[stage] = (await readSafetensors(join(folder, stage, "answered.safetensors"))).tensors;
  if (isFull) await importTrained(context, { folder, folderOf: () => model });
});

/** Writes the weights that a stage starts from, with noise: a weight of zero would hide the gradients behind it. */
async function writeDisturbedStart(stage: string, random: Random) {
  const { tensors } = await readSafetensors(join(stage, "start.safetensors"));
  const { weights }: { weights: Record<string, number[]> } = JSON.parse(
    await readFile(join(stage, "stage.json"), "utf8"),
  );
  // a start has no tensors of zeros
  for (const [name, shape] of Object.entries(weights))
    tensors[name] ??= { values: new Float32Array(shape.reduce((a, b) => a * b)), shape };
  for (const [name, { values }] of Object.entries(tensors))
    if (name !== "deviation") for (let i = 0; i < values.length; i++) values[i] += 0.1 * random.normal();
  await writeSafetensors(join(stage, "weights.safetensors"), tensors);
  return tensors;
}

async function trainedTowers(): Promise<Towers> {
  const { tensors } = await readSafetensors(join(folder, "towers", "weights.safetensors"));
  const { users, posts } = loaded.community;
  const vocabulary = { tokens: towerOptions.tokenRows, users: users.ids.length, posts: posts.ids.length };
  return towersOfWeights(tensors, vocabulary, { ...towerOptions, reads: { posts: true, users: true } }, "towers");
}

/** One step of the trainer's own: its loss, and the gradients; Adam's first mean is a tenth of these. */
async function throughTowers() {
  const { community } = loaded;
  const { idEmbeddingDropout: postIdEmbeddingDropout } = plan.towers;
  const options = { ...plan.towers, histories: "before" as const, epochs: 1, postIdEmbeddingDropout };
  const positives = positivesBefore(community, options.until, options.mostPositives);
  const [towers, data, random] = [await trainedTowers(), new TowerData(community, options), new NotedRandom(5)];
  const trainer = towerTrainer(community, towers, data, positives, options, random);
  trainer.refreshPostVectors();
  // a whole batch: log q says how many uniform negatives there are for each positive
  const rows = Array.from({ length: batchOf(positives.at.length, options) }, (_, i) => positives.at.length - 1 - 3 * i);
  const loss = trainer.step(Uint32Array.from(rows));
  const gradients = {
    ...Object.fromEntries(towers.dense.entries().map(([name, { weights }]) => [name, weights.mean])),
    tokens: towers.tokens.weights.mean,
    user_id_embeddings: towers.userIdEmbeddings.weights.mean,
    post_id_embeddings: towers.postIdEmbeddings.weights.mean,
  };
  ours.towers = {};
  for (const [name, mean] of Object.entries(gradients)) ours.towers[name] = mean.map((value) => value / 0.1);
  ours.towers.loss = Float32Array.of(loss);
  const { trainable } = examplesOfTowers(community, positives, options);
  const [b, m] = [rows.length, options.uniformNegatives];
  const kept = (rate: number) => (value: number) => value >= rate;
  const asMask = (value: number) => (value < options.vectorDropout ? 0 : 1 / (1 - options.vectorDropout));
  return {
    weights: "weights",
    rows,
    uniform: random.take(m).map((i) => trainable[i]),
    seed: random.take(1)[0],
    cold: random.take(b).map((value) => value < options.coldUsers),
    vectorless: random.take(b + m).map((value) => value < options.vectorless),
    vectorless_users: random.take(b).map((value) => value < options.vectorless),
    keep_users: random.take(b).map(kept(options.idEmbeddingDropout)),
    keep_posts: random.take(b + m).map(kept(options.idEmbeddingDropout)),
    user_mask: random.take(b * 32).map(asMask),
    post_mask: random.take((b + m) * 32).map(asMask),
  };
}

/** Invented requests: some with labels of five heads, some with unknown ones, and some without a positive. */
async function throughFiveHeads() {
  const heads = ["view", "vote", "comment", "dismiss", "long_view"] as const;
  const random = new Random(7);
  const examples = randomExamples(random, 30, 8, () => {}, heads);
  for (let row = 0; row < 30 * 8; row++) {
    examples.labels[row * 5 + 3] = row % 3;
    examples.labels[row * 5 + 4] = row % 2;
    examples.lossWeights[row] = 1 + (row % 4);
    examples.weights[row] = 1 + (row % 7);
    examples.logPositions[row] = Math.log(1 + (row % 8));
  }
  examples.found.set([0, 0, 0], 20);
  const into = join(folder, "five");
  const files = { folder: into, shard: { number: 1, of: 1 }, facts: {} };
  const parts = { training: Uint32Array.from({ length: 24 }, (_, i) => i), heldOut: Uint32Array.of(24, 25) };
  const options = { ...rankerOptions, seed, scoreWeights };
  await writeRankerStage(files, examples, parts, options, identityOf(await readManifest(folder), "ranker"));
  const tensors = await writeDisturbedStart(join(into, "ranker"), random);
  return throughRanker(
    "five/ranker",
    examples,
    dlrmOfWeights(tensors, heads, { ...options, hasVectors: false }, "five"),
  );
}

async function throughTrainedRanker() {
  const { examples } = await rankerExamples();
  return throughRanker("ranker", examples, await trainedRanker(examples.heads));
}

/** Loss and gradients of a batch of the ranker, as trainStep takes them. */
function throughRanker(stage: Stage, examples: RankingExamples, dlrm: Dlrm) {
  const every = Array.from(examples.requests.keys());
  const requests = Uint32Array.from(every.filter((request) => examples.saysSomething(request)).slice(-24));
  const drawn = masks(requests.length, rankerOptions, new Random(9));
  const batch = examples.rowsOf(requests);
  const { loss, gradients } = lossAndGradients(
    { ...dlrm.dense.matrices(), ...lookUps(dlrm, examples, batch) },
    { ...constants(dlrm, examples, requests), ...targetsOf(examples, requests, scoreWeights), ...drawn },
    (t) => dlrmLoss(t, examples.rows, { ...rankerOptions, scoreWeights }),
  );
  for (const [name, table] of Object.entries({ embeddings: dlrm.embeddings, wide: dlrm.wide })) {
    const sums = new Float32Array(table.rows * table.width);
    for (const [i, row] of batch.entries())
      for (let c = 0; c < categories.length; c++)
        for (let d = 0; d < table.width; d++)
          sums[examples.categories[row * categories.length + c] * table.width + d] +=
            gradients[name][(i * categories.length + c) * table.width + d];
    gradients[name] = sums;
  }
  ours[stage] = { ...gradients, loss: Float32Array.of(loss) };
  return {
    weights: "weights",
    requests: [...requests],
    masks: Object.fromEntries(Object.entries(drawn).map(([name, { values }]) => [name, [...values]])),
  };
}

let madeExamples: ReturnType<typeof makeRankerExamples> | undefined;

const rankerExamples = () => {
  madeExamples ??= makeRankerExamples();
  return madeExamples;
};

async function makeRankerExamples() {
  const trainers = trainedElsewhere(folder, await readManifest(folder));
  const towers = await trainers.towers(loaded.community, plan.towers);
  const options = { seed, until: plan.until, config: quickConfig, scoreWeights };
  return await buildRankerExamples(
    loaded,
    plan.requests,
    plan.heads,
    { ...towers, neighbours: plan.neighbours },
    options,
  );
}

async function trainedRanker(heads: readonly Head[]) {
  const { tensors } = await readSafetensors(join(folder, "ranker", "weights.safetensors"));
  return dlrmOfWeights(tensors, heads, { ...rankerOptions, hasVectors: true }, "ranker");
}

for (const stage of stages)
  test(`${stage}: loss and all gradients of a batch are the trainer's`, { skip: withoutTorch }, () => {
    assert.ok(Object.keys(ours[stage]).length > 10);
    if (stage === "towers")
      assert.ok(
        ours.towers["user/followed"].some((value) => value !== 0),
        "people follow others",
      );
    if (stage === "towers") assert.ok(ours.towers["post/vector"].some((value) => value !== 0));
    if (stage === "ranker") assert.ok(ours.ranker["wide/vector_match"].some((value) => value !== 0));
    for (const [name, expected] of Object.entries(ours[stage])) {
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      // of a weight that has no part in this batch the gradient may be left out
      const found = theirs[stage][name]?.values ?? new Float32Array(expected.length);
      // where a weight changes nothing, all of its gradient is what was rounded
      const scale = Math.max(largest, 1e-2);
      assertClose(
        found.map((value) => value / scale),
        expected.map((value) => value / scale),
        1e-4,
        name,
      );
    }
  });

test("towers: vectors of posts, and of users at a moment, are those of the graphs", {
  skip: withoutTorch,
}, async () => {
  const { community } = loaded;
  const towers = await trainedTowers();
  const runtime = await loadRuntime();
  const { tokenRows } = towerOptions;
  const posts = community.posts.ids.map((_, post) => ({
    ...postText(community, post),
    id_embedding: vectorAt(towers.postIdEmbeddings.weights.values, post),
    vector: community.posts.vectors?.[post] ?? null,
  }));
  const ofPosts = await runtime.createSession(postTowerGraph(towers));
  const { embedding } = await ofPosts.run(postTowerInputs(posts, { tokenRows, inputNames: ["text_vector"] }));
  assertClose(theirs.towers.post_vectors.values, embedding.data, 1e-5, "posts");
  const positives = positivesBefore(community, plan.towers.until, plan.towers.mostPositives);
  const { historyOf, followedOf } = examplesOfTowers(community, positives, {
    until: plan.towers.until,
    histories: "before",
  });
  const rows: number[] = JSON.parse(await readFile(join(folder, "asked.json"), "utf8")).towers.rows;
  const vectors = Float32Array.from(embedding.data, Number);
  const users = rows.map((row) => ({
    ...userText(community, positives.users[row]),
    id_embedding: vectorAt(towers.userIdEmbeddings.weights.values, positives.users[row]),
    history: historyOf(row).map((post) => vectorAt(vectors, post)),
    followed: meanVectorOf(followedOf(positives.users[row]), vectors),
  }));
  assert.ok(users.some(({ history }) => history.length > 10));
  const ofUsers = await runtime.createSession(userTowerGraph(towers));
  const answer = await ofUsers.run(userTowerInputs(users, { tokenRows, inputNames: ["text_vector"] }));
  assertClose(theirs.towers.user_vectors.values, answer.embedding.data, 1e-5, "users");
});

if (isFull) {
  test("ranker: probabilities of a request are those of the graph", { skip: withoutTorch }, async () => {
    const { examples } = await rankerExamples();
    const session = await (await loadRuntime()).createSession(dlrmGraph(await trainedRanker(examples.heads)));
    const last = examples.requests.length - 1;
    const requests: number[] = JSON.parse(await readFile(join(folder, "asked.json"), "utf8")).ranker.requests;
    const at = requests.indexOf(last);
    assert.ok(at >= 0, "the last request is among those asked");
    const [one] = sampledRequests(examples);
    const { probabilities } = await session.run(dlrmFeeds(one));
    const first = at * examples.rows * examples.heads.length;
    const found = theirs.ranker.probabilities.values.subarray(first, first + probabilities.data.length);
    assertClose(found, probabilities.data, 1e-5, "probabilities");
  });

  test("what comes back is a model as any other, and says who trained it", { skip: withoutTorch }, async () => {
    const described = JSON.parse(await readFile(join(model, "model.json"), "utf8"));
    assert.match(described.backend, /^PyTorch 2\.\S+, 1 ranks, cpu$/);
    assert.ok(described.metrics.tower_losses.length >= 3);
    assert.deepEqual(described.feature_spec.vectors, (await readManifest(folder)).vectors);
    assert.ok(
      printed.some((line) => /^on \d+ held-out requests: mrr/.test(line)),
      printed.join("\n"),
    );
  });
}
