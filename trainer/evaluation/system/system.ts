/** The system as recommenders: with everything, and with its towers alone. */
import { recencyBaseline } from "../../../supabase/functions/_shared/features/recency-baseline.ts";
import type { CommunityEvent } from "../history/event-walk.ts";
import type { RankedList } from "../metrics/ranker-metrics.ts";
import type { History, Recommender } from "../protocols/recommender.ts";
import type { CandidateList, ReplayedSystem } from "./replayed-system.ts";

/** A recommender that ranks by what a replayed system found. */
export abstract class SystemRecommender implements Recommender {
  abstract readonly name: string;
  readonly replayed: ReplayedSystem;
  private interactions = 0;

  constructor(replayed: ReplayedSystem) {
    this.replayed = replayed;
  }

  async train(history: History): Promise<void> {
    await this.replayed.train(history);
  }

  observe(event: CommunityEvent): void {
    if (event.type === "interaction") this.interactions++;
  }

  /** As if everything had been observed. */
  skipToEnd(): void {
    this.interactions = Number.POSITIVE_INFINITY;
  }

  async scores(user: number, at: number, out: Float64Array): Promise<void> {
    this.rank(await this.replayed.candidateList(user, at, this.interactions), out);
  }

  /** Scores every post that exists into `out`. */
  protected abstract rank(list: CandidateList, out: Float64Array): void;
}

/** Retrieval and ranking: what a user is served. */
export class System extends SystemRecommender {
  readonly name: string;
  /** What the DLRM said, and what else its candidates could be ranked by: one for each call of `scores`. */
  readonly lists: RankedList[] = [];
  /** The user's vector [32] of each list. */
  readonly vectors: Float32Array[] = [];

  /** The ranker inputs of some lists, by their number: of every `keepEvery`-th. */
  readonly told = new Map<number, CandidateList>();
  private readonly keepEvery: number;

  constructor(replayed: ReplayedSystem, name = "two-tower + DLRM", keepEvery = Number.POSITIVE_INFINITY) {
    super(replayed);
    this.name = name;
    this.keepEvery = keepEvery;
  }

  protected rank(list: CandidateList, out: Float64Array): void {
    const { candidates, posts, probabilities, vector, at } = list;
    this.replayed.rank(list, list, out);
    if (list.feeds && (this.lists.length + 1) % this.keepEvery === 0) this.told.set(this.lists.length, list);
    this.vectors.push(vector);
    this.lists.push({
      posts,
      probabilities: { DLRM: probabilities },
      scores: {
        "tower similarity": Float32Array.from(candidates, ({ similarity }) => similarity),
        "recency baseline": Float32Array.from(candidates, (candidate) =>
          recencyBaseline(candidate.created_at, candidate.state.last_active_at, at),
        ),
        popularity: Float32Array.from(candidates, ({ state }) => state.views + state.votes + state.comments),
      },
    });
  }
}

/** The towers alone: posts by inner product. */
export class TowersAlone extends SystemRecommender {
  readonly name = "two towers alone";

  protected rank(list: CandidateList, out: Float64Array): void {
    this.replayed.rankBySimilarity(list, out);
  }
}
