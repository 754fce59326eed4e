/** The system with a baseline instead of the DLRM: the same candidates, the same rows to learn from, the same score. */
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { loggedFeatures } from "../../../supabase/functions/_shared/recommend/scoring/run-ranker.ts";
import type { Dlrm } from "../../models/ranker/model.ts";
import type { RankedList } from "../metrics/ranker-metrics.ts";
import type { History } from "../protocols/recommender.ts";
import type { CandidateList, ReplayedSystem } from "../system/replayed-system.ts";
import { SystemRecommender } from "../system/system.ts";
import { calibratedHeads, type FitHead, fitLogisticHead, type Probabilities, rowWidth } from "./calibrated-heads.ts";
import { fitTreesHead } from "./trees/boost.ts";

class RankedBy extends SystemRecommender {
  readonly name: string;
  /** What the baseline said: one for each call of `scores`. */
  readonly lists: RankedList[] = [];
  private readonly ranker: string;
  private readonly fit: (dlrm: Dlrm) => FitHead;
  private probabilities: Probabilities | undefined;

  constructor(
    replayed: ReplayedSystem,
    { name, ranker, fit }: { name: string; ranker: string; fit: (dlrm: Dlrm) => FitHead },
  ) {
    super(replayed);
    this.name = name;
    this.ranker = ranker;
    this.fit = fit;
  }

  override async train(history: History): Promise<void> {
    await super.train(history);
    const { trainedModel, trainedOn } = this.replayed;
    this.probabilities = await calibratedHeads(this.fit(trainedModel.dlrm), trainedOn.examples, trainedOn.parts);
  }

  protected rank(list: CandidateList, out: Float64Array): void {
    const said = this.probabilitiesOf(list);
    this.replayed.rank(list, { probabilities: said }, out);
    this.lists.push({ posts: list.posts, probabilities: { [this.ranker]: said }, scores: {} });
  }

  private probabilitiesOf({ posts, feeds }: CandidateList): Float32Array {
    if (!this.probabilities) throw new Error(`${this.name} is asked before it was trained`);
    const said = new Float32Array(posts.length * kinds.length);
    if (!feeds) return said;
    const row = new Float32Array(rowWidth);
    for (let i = 0; i < posts.length; i++) {
      row.set(loggedFeatures(feeds, i));
      this.probabilities(row, said.subarray(i * kinds.length, (i + 1) * kinds.length));
    }
    return said;
  }
}

/** What the DLRM must beat as a ranker. */
export function rankerBaselines(replayed: ReplayedSystem, seed: number): RankedBy[] {
  return [
    new RankedBy(replayed, {
      name: "two-tower + trees",
      ranker: "gradient-boosted trees",
      fit: () => fitTreesHead(seed),
    }),
    new RankedBy(replayed, { name: "two-tower + logistic", ranker: "logistic regression", fit: fitLogisticHead }),
  ];
}
