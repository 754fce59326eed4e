/** The system itself as one more recommender: the exported graphs and the serving code, on the replayed state. */
import { lastActiveWithAge } from "../../supabase/functions/_shared/formula.ts";
import { dimensions } from "../../supabase/functions/_shared/history.ts";
import { loadRuntime, type Session } from "../../supabase/functions/_shared/inference.ts";
import { rankerInputs } from "../../supabase/functions/_shared/ranker-inputs.ts";
import { userTowerInputs } from "../../supabase/functions/_shared/tower-inputs.ts";
import type { LoadedCommunity } from "../community/from-database.ts";
import { CommunityState } from "../community/state.ts";
import { login } from "../community/timeline.ts";
import { dlrmGraph } from "../export/dlrm.ts";
import { userTowerGraph } from "../export/towers.ts";
import { type PipelineOptions, type TrainedModel, trainModel } from "../pipeline.ts";
import { Histories } from "../towers/positives.ts";
import type { CommunityEvent, History, Recommender } from "./recommender.ts";

/** Whatever retrieval did not bring ranks behind all it did, by the formula. */
const behind = -1e6;

export class System implements Recommender {
  readonly name = "two-tower + DLRM";
  model: TrainedModel | undefined;
  private graphs: { user: Session; dlrm: Session } | undefined;
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
    this.model = await trainModel(this.loaded, { ...this.options, until: testFrom });
    const { createSession } = await loadRuntime("onnxruntime-node");
    const { towers, dlrm } = this.model;
    this.graphs = {
      user: await createSession(userTowerGraph(towers.towers)),
      dlrm: await createSession(dlrmGraph(dlrm)),
    };
  }

  observe(event: CommunityEvent): void {
    if (event.type === "interaction") this.observed++;
  }

  async scores(user: number, at: number, out: Float64Array): Promise<void> {
    const { model, graphs, state, loaded } = this;
    if (!model || !graphs) throw new Error("the system is asked before it was trained");
    const { users } = loaded.community;
    state.advance(this.events[this.observed] ?? loaded.timeline.length, at);
    for (let post = 0; post < state.alive; post++) out[post] = behind + lastActiveWithAge(state.times(post), at);
    const vectorOf = (post: number) => model.postVectors.subarray(post * dimensions, (post + 1) * dimensions);
    const input = {
      passions: users.passions[user],
      projects: users.projects[user],
      bio: users.bios[user],
      residual: model.towers.towers.userResiduals.weights.values.subarray(user * dimensions, (user + 1) * dimensions),
      history: this.histories.latest(user, at).map(vectorOf),
    };
    const vector = (await graphs.user.run(userTowerInputs([input]))).embedding.data as Float32Array;
    const found = state.candidates(user, at, vector, model.postVectors);
    if (found.length === 0) return;
    const embedded = found.map((candidate) => ({ ...candidate, embedding: vectorOf(candidate.post) }));
    const p = (await graphs.dlrm.run(rankerInputs(state.user(user), vector, embedded, at))).probabilities.data;
    const weights = this.options.scoreWeights;
    for (const [i, { post }] of found.entries()) {
      out[post] = weights.reduce((sum, weight, head) => sum + weight * Number(p[3 * i + head]), 0);
    }
  }
}
