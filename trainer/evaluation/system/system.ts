/** The system itself as two more recommenders: the exported graphs and the serving code, on the replayed state. */

import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import type { UserState } from "../../../supabase/functions/_shared/features/ranker-features.ts";
import { rankerInputs } from "../../../supabase/functions/_shared/features/ranker-inputs.ts";
import { recencyBaseline } from "../../../supabase/functions/_shared/features/recency-baseline.ts";
import { userTowerInputs } from "../../../supabase/functions/_shared/features/tower-inputs.ts";
import { type InferenceSession, loadRuntime } from "../../../supabase/functions/_shared/models/inference.ts";
import type { Feeds } from "../../../supabase/functions/_shared/models/tensors.ts";
import type { LoadedCommunity } from "../../community/from-database.ts";
import { CommunityState, type NumberedCandidate } from "../../community/state.ts";
import { login } from "../../community/timeline.ts";
import type { RankingExamples } from "../../dlrm/examples.ts";
import { vectorAt } from "../../engine/vector-at.ts";
import { dlrmGraph } from "../../export/dlrm.ts";
import { userTowerGraph } from "../../export/towers.ts";
import { type PipelineOptions, type RankerParts, type TrainedModel, trainModel } from "../../pipeline.ts";
import { Histories } from "../../towers/positives.ts";
import type { CommunityEvent } from "../history/event-walk.ts";
import type { RankedList } from "../metrics/ranker-metrics.ts";
import type { History, Recommender } from "../protocols/recommender.ts";

/** Whatever retrieval did not bring ranks behind all it did, by the recency baseline. */
const behind = -1e6;

/** Retrieval and ranking: what a user is served. */
export class System implements Recommender {
  readonly name = "two-tower + DLRM";
  /** What the ranker said, a list a call of `scores`. */
  readonly lists: RankedList[] = [];
  /** The user's vector [32] of each list. */
  readonly vectors: Float32Array[] = [];
  /** What retrieval brought for the latest list, and the ranker's feeds; undefined where it brought nothing. */
  latest: { found: NumberedCandidate[]; feeds: Feeds; list: RankedList } | undefined;
  model: TrainedModel | undefined;
  /** What the ranker was trained on, until whoever compares with it has taken it. */
  examples: { examples: RankingExamples; parts: RankerParts } | undefined;
  private graphs: { user: InferenceSession; dlrm: InferenceSession } | undefined;
  private observed = 0;
  private readonly state: CommunityState;
  /** All events, but only ever asked for those before the instant. */
  private readonly histories: Histories;
  /** The timeline's number of each interaction. */
  private readonly events: number[];
  private readonly loaded: LoadedCommunity;
  private readonly options: PipelineOptions;

  constructor(loaded: LoadedCommunity, options: PipelineOptions) {
    this.loaded = loaded;
    this.options = options;
    this.state = new CommunityState(loaded.community, loaded.timeline);
    this.histories = new Histories(loaded.community, Number.POSITIVE_INFINITY);
    const { timeline } = loaded;
    this.events = Array.from({ length: timeline.length }, (_, i) => i).filter((i) => timeline.kinds[i] !== login);
  }

  async train({ testFrom }: History): Promise<void> {
    const onExamples = (examples: RankingExamples, parts: RankerParts) => {
      this.examples = { examples, parts };
    };
    await this.serve(await trainModel(this.loaded, { ...this.options, until: testFrom, onExamples }));
  }

  /** Ranks with a model from now on. */
  async serve(model: TrainedModel): Promise<void> {
    this.model = model;
    const { createSession } = await loadRuntime();
    const { towers, dlrm } = model;
    this.graphs = {
      user: await createSession(userTowerGraph(towers.towers)),
      dlrm: await createSession(dlrmGraph(dlrm)),
    };
  }

  observe(event: CommunityEvent): void {
    if (event.type === "interaction") this.observed++;
  }

  /** As if everything had been observed. */
  skipToEnd(): void {
    this.observed = this.events.length;
  }

  async scores(user: number, at: number, out: Float64Array): Promise<void> {
    // whoever learns from the ranker's training set has done so: 200 MB
    this.examples = undefined;
    const { state } = this;
    state.advance(this.events[this.observed] ?? this.loaded.timeline.length, at);
    this.rankBehind(at, out);
    this.latest = undefined;
    const history = this.historyOf(user, at);
    const vector = await this.userVector(user, history);
    this.vectors.push(vector);
    const found = state.candidates(user, at, vector, this.trained().model.postVectors);
    if (found.length > 0) await this.rank(state.user(user, history), at, vector, found, out);
    else this.lists.push({ posts: new Int32Array(), probabilities: {}, scores: {} });
  }

  /** Ranks every post that exists by the recency baseline, behind whatever a ranker will say of some of them. */
  rankBehind(at: number, out: Float64Array): void {
    const { state } = this;
    for (let post = 0; post < state.alive; post++) out[post] = behind + recencyBaseline(state.times(post), at);
  }

  /** Similarity of a user at an instant to every post that exists by then. */
  async similarities(user: number, at: number, out: Float64Array): Promise<void> {
    const vector = await this.userVector(user, this.historyOf(user, at));
    const { postVectors } = this.trained().model;
    for (let post = 0; post < this.state.alive; post++) {
      out[post] = 0;
      for (let d = 0; d < dimensions; d++) out[post] += vector[d] * postVectors[post * dimensions + d];
    }
  }

  private historyOf(user: number, at: number): Float32Array[] {
    const { postVectors } = this.trained().model;
    return this.histories.latest(user, at).map((post) => vectorAt(postVectors, post));
  }

  private async userVector(user: number, history: Float32Array[]): Promise<Float32Array> {
    const { model, graphs } = this.trained();
    const { users } = this.loaded.community;
    const input = {
      passions: users.passions[user],
      projects: users.projects[user],
      bio: users.bios[user],
      id_embedding: vectorAt(model.towers.towers.userIdEmbeddings.weights.values, user),
      history,
    };
    return (await graphs.user.run(userTowerInputs([input]))).embedding.data as Float32Array;
  }

  private async rank(
    user: UserState,
    at: number,
    vector: Float32Array,
    found: NumberedCandidate[],
    out: Float64Array,
  ): Promise<void> {
    const { graphs } = this.trained();
    const feeds = rankerInputs(user, vector, found, at);
    const p = (await graphs.dlrm.run(feeds)).probabilities.data as Float32Array;
    this.rankFound(found, p, out);
    const list: RankedList = {
      posts: Int32Array.from(found, ({ post }) => post),
      probabilities: { DLRM: p.slice() },
      scores: {
        "tower similarity": Float32Array.from(found, ({ similarity }) => similarity),
        "recency baseline": Float32Array.from(found, (candidate) => recencyBaseline(candidate, at)),
        popularity: Float32Array.from(found, ({ views, votes, comments }) => views + votes + comments),
      },
    };
    this.lists.push(list);
    this.latest = { found, feeds, list };
  }

  /** The score of each candidate from its probabilities [candidates, 3]. */
  rankFound(found: NumberedCandidate[], probabilities: Float32Array, out: Float64Array): void {
    const weights = this.options.scoreWeights;
    for (const [i, { post }] of found.entries()) {
      out[post] = weights.reduce((sum, weight, head) => sum + weight * probabilities[3 * i + head], 0);
    }
  }

  private trained() {
    const { model, graphs } = this;
    if (!model || !graphs) throw new Error("the system is asked before it was trained");
    return { model, graphs };
  }
}

/** The towers alone: posts by inner product. Must stand behind the system whose towers it shows. */
export class TowersAlone implements Recommender {
  readonly name = "two towers alone";
  private readonly system: System;

  constructor(system: System) {
    this.system = system;
  }

  observe(): void {}

  async scores(user: number, at: number, out: Float64Array): Promise<void> {
    await this.system.similarities(user, at, out);
  }
}
