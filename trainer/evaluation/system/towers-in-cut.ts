/** The two towers alone in one cut: trained on the whole training part, ranked by inner product. */
import type { OnProgress } from "../../../db/progress.ts";
import { dimensions } from "../../../supabase/functions/_shared/features/history.ts";
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { type Config, defaultConfig } from "../../config/config.ts";
import { embedPosts, embedUsersAt } from "../../towers/embed.ts";
import { Histories } from "../../towers/histories.ts";
import type { TrainerOptions } from "../../towers/tower-trainer.ts";
import { type TrainedTowers, trainTowers } from "../../towers/train.ts";
import type { Recommender } from "../protocols/recommender.ts";

interface TowersInCutOptions {
  seed: number;
  /** "others" for a random split, which takes pairs from between those of the history. */
  histories: TrainerOptions["histories"];
  config?: Config | undefined;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

export function towersInCut(options: TowersInCutOptions): Recommender {
  let trained: (TrainedTowers & { postVectors: Float32Array; past: Histories }) | undefined;
  return {
    name: "two towers alone",
    async train({ community }) {
      const { seed, histories, config = defaultConfig, onProgress, signal } = options;
      const until = Number.POSITIVE_INFINITY;
      const found = await trainTowers(community, { ...config.towers, seed, histories, until }, onProgress, signal);
      const postVectors = embedPosts(found.towers, found.data, community.posts.ids.length);
      trained = { ...found, postVectors, past: new Histories(community, until) };
    },
    observe() {},
    scores(user, _at, out) {
      if (!trained) throw new Error("the towers are asked before they were trained");
      const { towers, data, postVectors, past } = trained;
      const moment = { user, history: past.latest(user, Number.POSITIVE_INFINITY) };
      const vector = embedUsersAt(towers, data, [moment], postVectors);
      for (let post = 0; post < out.length; post++)
        out[post] = innerProduct(vector, 0, postVectors, post * dimensions, dimensions);
    },
  };
}
