/** The two towers alone in one cut: trained on the whole training part, ranked by inner product. */
import type { OnProgress } from "../../../db/progress.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { type Config, defaultConfig } from "../../config/config.ts";
import { embedPosts, embedUsersAt } from "../../towers/embed.ts";
import { Histories } from "../../towers/histories.ts";
import type { TrainerOptions } from "../../towers/tower-trainer.ts";
import { type TrainedTowers, trainTowers } from "../../towers/train.ts";
import type { History, Recommender } from "../protocols/recommender.ts";

interface TowersInCutOptions {
  seed: number;
  /** "others" for a random split, which takes pairs from between those of the history. */
  histories: TrainerOptions["histories"];
  config?: Config | undefined;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

export class TowersInCut implements Recommender {
  readonly name = "two towers alone";
  private trained: (TrainedTowers & { postVectors: Float32Array; histories: Histories }) | undefined;
  private readonly options: TowersInCutOptions;

  constructor(options: TowersInCutOptions) {
    this.options = options;
  }

  async train({ community }: History): Promise<void> {
    const { seed, histories, config = defaultConfig, onProgress, signal } = this.options;
    const until = Number.POSITIVE_INFINITY;
    const trained = await trainTowers(community, { ...config.towers, seed, histories, until }, onProgress, signal);
    const postVectors = embedPosts(trained.towers, trained.data, community.posts.ids.length);
    this.trained = { ...trained, postVectors, histories: new Histories(community, until) };
  }

  observe(): void {}

  scores(user: number, _at: number, out: Float64Array): void {
    if (!this.trained) throw new Error("the towers are asked before they were trained");
    const { towers, data, postVectors, histories } = this.trained;
    const moment = { user, history: histories.latest(user, Number.POSITIVE_INFINITY) };
    const vector = embedUsersAt(towers, data, [moment], postVectors);
    for (let post = 0; post < out.length; post++) {
      out[post] = innerProduct(vector, 0, postVectors, post * dimensions, dimensions);
    }
  }
}
