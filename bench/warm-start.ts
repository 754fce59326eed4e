/**
 * Measures what fine-tuning an earlier model saves and costs: `npm run bench -- warm-start [--data FOLDER --test-from DAY --sample
 * 1000 --seed 1,2,3 --days 30]`. Replays models side by side; differences are paired by event. Without a folder: synthetic.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { hour } from "../supabase/functions/_shared/features/hours.ts";
import { combineHeads } from "../supabase/functions/_shared/recommend/scoring/run-ranker.ts";
import type { TrainedModel, WarmStartModel } from "../trainer/artifacts/model-folder/trained-model.ts";
import { dlrmGraph } from "../trainer/artifacts/onnx/dlrm.ts";
import { dlrmOf, towersOf } from "../trainer/artifacts/onnx/read-weights.ts";
import { postTowerGraph, userTowerGraph } from "../trainer/artifacts/onnx/towers.ts";
import { communityBefore } from "../trainer/evaluation/history/event-walk.ts";
import { replayMetrics } from "../trainer/evaluation/metrics/list-metrics.ts";
import { headRows, type RankedList, rankerMetrics, sideBySide } from "../trainer/evaluation/metrics/ranker-metrics.ts";
import { estimate } from "../trainer/evaluation/metrics/statistics.ts";
import { runReplay } from "../trainer/evaluation/protocols/replay.ts";
import { pairedCell, shareCell, table } from "../trainer/evaluation/report/table.ts";
import { ReplayedSystem } from "../trainer/evaluation/system/replayed-system.ts";
import { System } from "../trainer/evaluation/system/system.ts";
import { startBackend } from "../trainer/models/nn/backend.ts";
import { requestsOf } from "../trainer/models/ranker/requests.ts";
import { trainModel } from "../trainer/pipeline.ts";
import { Stopwatch, type TimeUsed } from "../trainer/stopwatch.ts";
import { commandOptions, loadCommunity, numbersIn } from "./shared/workspace.ts";

const values = commandOptions({ data: "", "test-from": "", sample: "1000", seed: "1,2,3", days: "30" });
const sample = Number(values.sample);
const days = Number(values.days);

interface Trained {
  model: TrainedModel;
  /** Of the last training. */
  used: TimeUsed;
}

/** A system whose model is there already. */
class Ready extends System {
  override async train(): Promise<void> {}
}

/** While it trains; a worker's heartbeats wait as long. */
const delay = monitorEventLoopDelay();
const backend = await startBackend();
console.log(`a replay of ${sample} events of the ${days} days after the test (${backend})`);
console.log("seconds of the last training without reading; Δ: to from scratch, paired by event");
console.log("loss: −ln of the post's share of the scores of its list, of posts that retrieval brought for both models");
/** Mean differences to from scratch, of each model for each seed. */
const differences = new Map<string, number[][]>();
for (const seed of numbersIn(values.seed)) console.log(`\nseed ${seed}\n\n${await measure(seed)}`);
const overSeeds = [...differences].map(([name, seeds]) => [
  name,
  ...seeds[0].map((_, measure) => pairedCell(estimate(seeds.map((means) => means[measure])))),
]);
console.log(`\nmean over seeds, ± its standard error\n\n${table(["trained", "Δ R@20", "Δ MRR", "Δ loss"], overSeeds)}`);
console.log(`\nthe event loop stood still for ${(delay.max / 1e9).toFixed(1)} s at most`);

async function measure(seed: number): Promise<string> {
  const { loaded, scoreWeights } = await loadCommunity(values.data || { seed });
  const { at } = loaded.community.interactions;
  const testFrom = values["test-from"] ? Date.parse(values["test-from"]) : at[Math.floor(0.9 * at.length)];
  const start = testFrom - days * 24 * hour;
  const trainUntil = async (until: number, seed: number, from?: WarmStartModel): Promise<Trained> => {
    const stopwatch = new Stopwatch();
    delay.enable();
    const model = await trainModel(loaded, { seed, until, scoreWeights, from });
    delay.disable();
    return { model, used: stopwatch.read() };
  };
  const first = await trainUntil(start, seed);
  const goOn = async (steps: number): Promise<Trained> => {
    let last = first;
    for (let step = 0; step < steps; step++) {
      const instant = (i: number) => start + ((testFrom - start) * i) / steps;
      last = await trainUntil(instant(step + 1), seed * 1000 + step, published(last.model, instant(step)));
    }
    return last;
  };
  const all: [name: string, trained: Trained][] = [
    ["from scratch up to the test", await trainUntil(testFrom, seed)],
    ["the same with another seed", await trainUntil(testFrom, seed + 1000)],
    [`from scratch up to ${days} days before, not retrained`, first],
    [`from that, ${days} days at once`, await goOn(1)],
    [`from that, ${days} nights`, await goOn(days)],
  ];
  const systems: System[] = [];
  for (const [, { model }] of all) {
    const replayed = new ReplayedSystem(loaded, { seed, scoreWeights });
    await replayed.serveTrained(model);
    systems.push(new Ready(replayed));
  }
  const tested = communityBefore(loaded.community, testFrom + days * 24 * hour);
  const results = await runReplay(tested, { validFrom: start, testFrom, sample, seed }, systems);
  const requests = requestsOf(loaded, results[0].events, testFrom);
  const losses = systems.map(({ lists }) => lists.map((list, i) => lossOf(list, requests[i].post, scoreWeights)));
  const rows = all.map(([name, { model, used }], i) => {
    const { metrics, events } = results[i];
    const { "recall@20": recall, mrr } = replayMetrics(events, results[0].events).all;
    const loss = estimate(losses[i].map((own, event) => own - losses[0][event]).filter(Number.isFinite));
    const toFromScratch = i === 0 ? [] : [recall, mrr, loss];
    if (i > 0) differences.set(name, [...(differences.get(name) ?? []), toFromScratch.map(({ mean }) => mean)]);
    const lists = sideBySide([systems[i].lists]);
    const comment = rankerMetrics(lists, headRows(lists, requests)).find(
      ({ head, by }) => head === "comment" && by === "DLRM",
    );
    return [
      name,
      shareCell(metrics.all["recall@20"].mean),
      shareCell(metrics.all.mrr.mean),
      ...(i === 0 ? ["", "", ""] : toFromScratch.map(pairedCell)),
      shareCell(metrics["posts > 7 days"]["recall@20"].mean),
      shareCell(comment?.normalisedEntropy ?? Number.NaN),
      (comment?.calibration ?? Number.NaN).toFixed(3),
      `${model.newInteractions}`,
      used.wall.toFixed(1),
      used.processor.toFixed(1),
      (used.processor / all[0][1].used.processor).toFixed(2),
    ];
  });
  const quality = ["R@20", "MRR", "Δ R@20", "Δ MRR", "Δ loss", "R@20 > 7 days", "comment: norm. entropy", "Σp/Σy"];
  return table(["trained", ...quality, "new", "wall, s", "processor, s", "ratio"], rows);
}

/** The listwise loss of what was served; NaN where retrieval did not bring the post. */
function lossOf({ posts, probabilities }: RankedList, post: number, scoreWeights: number[]): number {
  const scores = Array.from(posts, (_, i) => combineHeads({ probabilities: probabilities.DLRM }, i, scoreWeights));
  return -Math.log(scores[posts.indexOf(post)] / scores.reduce((sum, score) => sum + score, 0));
}

/** A model as a later training finds it in the database. */
function published({ towers, dlrm }: TrainedModel, learnedUntil: number): WarmStartModel {
  const trained = towers.towers;
  return {
    towers: {
      ...towersOf(userTowerGraph(trained), postTowerGraph(trained)),
      userIdEmbeddings: trained.userIdEmbeddings.copy(),
      postIdEmbeddings: trained.postIdEmbeddings.copy(),
    },
    dlrm: dlrmOf(dlrmGraph(dlrm)),
    hasNeighbours: false,
    learnedUntil,
    learnedFrom: "interactions",
  };
}
