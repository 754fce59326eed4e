/**
 * What serving would have answered at any instant of a replay: the exported graphs and the serving code on the replayed
 * state. The system and everything that is compared on its candidates ask here, in any order.
 */

import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { kinds } from "../../../supabase/functions/_shared/features/kinds.ts";
import { recencyBaseline } from "../../../supabase/functions/_shared/features/recency-baseline.ts";
import { combineHeads, type RankerOutput } from "../../../supabase/functions/_shared/recommend/scoring/run-ranker.ts";
import { idEmbeddingsOf } from "../../artifacts/model-folder/id-embeddings.ts";
import type { TrainedModel } from "../../artifacts/model-folder/trained-model.ts";
import { dlrmGraph } from "../../artifacts/onnx/dlrm.ts";
import { userTowerGraph } from "../../artifacts/onnx/towers.ts";
import type { Community } from "../../data/replay/community.ts";
import type { LoadedCommunity } from "../../data/replay/from-database.ts";
import { CommunityState } from "../../data/replay/state.ts";
import { login } from "../../data/replay/timeline.ts";
import type { RankerParts, RankingExamples } from "../../models/ranker/ranking-examples.ts";
import { Histories } from "../../models/towers/histories.ts";
import { type PipelineOptions, trainModel } from "../../pipeline.ts";
import { rankingModel } from "../../release/gate/model-in-memory.ts";
import { type Answer, type ReplayedModel, replayedAnswer } from "../../release/gate/ranked-requests.ts";
import type { History } from "../protocols/recommender.ts";

/** Added to the recency baseline of a post that retrieval did not bring: it ranks below all that a ranker scored. */
const behind = -1e6;

/** What retrieval brings for a user at an instant, and what the DLRM says of it. */
export interface CandidateList extends Answer {
  at: number;
  /** The candidates' post numbers. */
  posts: Int32Array;
  /** The DLRM's, [candidates, 3]. */
  probabilities: Float32Array;
}

/** What the ranker was trained on. */
interface TrainingSet {
  examples: RankingExamples;
  parts: RankerParts;
}

/** A model that was just trained, as it would serve. */
export async function replayedModel(model: TrainedModel, { users }: Community): Promise<ReplayedModel> {
  const { dlrm, postVectors, neighbours } = model;
  const { towers } = model.towers;
  const served = await rankingModel("under evaluation", dlrm.heads, userTowerGraph(towers), dlrmGraph(dlrm));
  const userIdEmbeddings = idEmbeddingsOf(users.ids, towers.userIdEmbeddings);
  return { ...served, userIdEmbeddings, userVectors: users.vectors, postVectors, neighbours };
}

export class ReplayedSystem {
  private training: Promise<void> | undefined;
  private trainingSet: TrainingSet | undefined;
  private served: ReplayedModel | undefined;
  private trained: TrainedModel | undefined;
  private latest: { user: number; at: number; interactions: number; list: Promise<CandidateList> } | undefined;
  private readonly state: CommunityState;
  /** Of the whole community; asked only for what lies before the instant of a list. */
  private readonly histories: Histories;
  /** The number in the timeline of each interaction. */
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

  /** Trains on events before `testFrom`, once, at the first call. A given model stays as it is. */
  async train({ testFrom }: History): Promise<void> {
    if (this.served) return;
    this.training ??= this.trainUntil(testFrom);
    await this.training;
  }

  private async trainUntil(until: number): Promise<void> {
    const onExamples = (examples: RankingExamples, parts: RankerParts) => {
      this.trainingSet = { examples, parts };
    };
    await this.serveTrained(await trainModel(this.loaded, { ...this.options, until, onExamples }));
  }

  /** Answers with a model that was just trained from now on. */
  async serveTrained(model: TrainedModel): Promise<void> {
    this.trained = model;
    this.serve(await replayedModel(model, this.loaded.community));
  }

  /** Answers with a model as it would serve. */
  serve(model: ReplayedModel): void {
    this.served = model;
  }

  /** The model that it trained itself. */
  get trainedModel(): TrainedModel {
    if (!this.trained) throw new Error("the system is asked for what it has not trained");
    return this.trained;
  }

  /** The model that answers. */
  get model(): ReplayedModel {
    if (!this.served) throw new Error("the system is asked before it was trained");
    return this.served;
  }

  /** What the ranker was trained on, for models that learn from the same; there until the first list is asked for. */
  get trainedOn(): TrainingSet {
    if (!this.trainingSet) throw new Error("the ranker's training set is kept from training to the first list only");
    return this.trainingSet;
  }

  /**
   * The list of a user at an instant, after that many interactions of the whole community: several may share an instant.
   * Computed once, however many recommenders ask for it; throws when the replay has already gone further.
   */
  async candidateList(user: number, at: number, interactions: number): Promise<CandidateList> {
    const { latest } = this;
    if (latest?.user === user && latest.at === at && latest.interactions === interactions) return await latest.list;
    if (latest && interactions < latest.interactions) throw new Error("the replay has gone past what is asked for");
    const list = this.compute(user, at, interactions);
    this.latest = { user, at, interactions, list };
    return await list;
  }

  private async compute(user: number, at: number, interactions: number): Promise<CandidateList> {
    // 270 MB that are not needed any more: all training comes before the first list
    this.trainingSet = undefined;
    const { state, loaded, histories, model } = this;
    state.advance(this.events[interactions] ?? loaded.timeline.length, at);
    const moment = { user, at, past: histories.latest(user, at), followed: histories.followed(user, at) };
    const answer = await replayedAnswer(model, loaded.community, state, moment);
    const posts = Int32Array.from(answer.candidates, ({ post }) => post);
    return { at, posts, ...answer, probabilities: ofKinds(answer.probabilities, model.heads.length) };
  }

  /**
   * Scores every post that exists into `out`: the candidates of the latest list by what a ranker says of them, as probabilities [candidates, 3], all others below these by the recency baseline.
   */
  rank({ at, posts }: CandidateList, opinion: RankerOutput, out: Float64Array): void {
    const { state, options } = this;
    for (let post = 0; post < state.alive; post++) {
      const { created_at, last_active_at } = state.times(post);
      out[post] = behind + recencyBaseline(created_at, last_active_at, at);
    }
    for (const [i, post] of posts.entries()) out[post] = combineHeads(opinion, i, options.scoreWeights);
  }

  /** Scores every post that exists into `out` by its inner product with the user's vector of the latest list. */
  rankBySimilarity({ vector }: CandidateList, out: Float64Array): void {
    const { postVectors } = this.model;
    for (let post = 0; post < this.state.alive; post++) {
      out[post] = innerProduct(vector, 0, postVectors, post * dimensions, dimensions);
    }
  }
}

/** The columns of view, vote and comment of probabilities [N, heads]: what the history of a community can be held against. */
function ofKinds(probabilities: Float32Array, heads: number): Float32Array {
  return probabilities.filter((_, i) => i % heads < kinds.length);
}
