/**
 * The system with a baseline in the DLRM's place: the same candidates, the same rows to learn from, the same score. Must
 * stand behind the system it learns from; what it says of each list it adds to the system's.
 */
import type { Dlrm } from "../../dlrm/model.ts";
import { heads } from "../../dlrm/network.ts";
import type { Recommender } from "../protocols/recommender.ts";
import type { System } from "../system/system.ts";
import { calibratedHeads, type FitHead, type Probabilities } from "./calibrated-heads.ts";
import { readFeeds, rowWidth } from "./candidate-rows.ts";
import { fitTreesHead } from "./gradient-boosted-trees.ts";
import { fitLogisticHead } from "./logistic.ts";

export class RankedBy implements Recommender {
  readonly name: string;
  private readonly system: System;
  private readonly ranker: string;
  private readonly fit: (dlrm: Dlrm) => FitHead;
  private probabilities: Probabilities | undefined;

  constructor(system: System, { name, ranker, fit }: { name: string; ranker: string; fit: (dlrm: Dlrm) => FitHead }) {
    this.name = name;
    this.system = system;
    this.ranker = ranker;
    this.fit = fit;
  }

  async train(): Promise<void> {
    const { examples: trainedOn, model } = this.system;
    if (!trainedOn || !model) throw new Error(`${this.name} is trained before the system it learns from`);
    this.probabilities = await calibratedHeads(this.fit(model.dlrm), trainedOn.examples, trainedOn.parts);
  }

  observe(): void {}

  scores(_user: number, at: number, out: Float64Array): void {
    const { system, probabilities } = this;
    if (!probabilities) throw new Error(`${this.name} is asked before it was trained`);
    system.rankBehind(at, out);
    if (!system.latest) return;
    const { found, feeds, list } = system.latest;
    const row = new Float32Array(rowWidth);
    const p = new Float32Array(found.length * heads);
    for (let i = 0; i < found.length; i++) {
      readFeeds(feeds, i, row);
      probabilities(row, p.subarray(i * heads, (i + 1) * heads));
    }
    system.rankFound(found, p, out);
    list.probabilities[this.ranker] = p;
  }
}

/** What the DLRM must beat as a ranker. */
export function rankerBaselines(system: System, seed: number): RankedBy[] {
  return [
    new RankedBy(system, {
      name: "two-tower + trees",
      ranker: "gradient-boosted trees",
      fit: () => fitTreesHead(seed),
    }),
    new RankedBy(system, { name: "two-tower + logistic", ranker: "logistic regression", fit: fitLogisticHead }),
  ];
}
