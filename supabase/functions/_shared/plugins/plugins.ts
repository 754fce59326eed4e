/** Who plugs in at the seams of a feed. Each has a folder of its own, which goes with its lines here, its SQL and its tests. */
import type { Pool } from "../database/database.ts";
import type { ModelCache } from "../models/models.ts";
import type { Plugins } from "../recommend/pipeline/types.ts";
import { interleavedPageBuilder } from "./interleaving/page-builder.ts";
import { createPromotionProvider } from "./promotions/promotions.ts";
import { randomizedPageBuilder } from "./randomization/page-builder.ts";
import { createShadowScorer } from "./shadow/shadows.ts";
import { variantModel } from "./variants/variant-model.ts";

/** Those of one worker. */
export function createPlugins(pool: Pool, models: ModelCache): Plugins {
  return {
    model: variantModel,
    pages: [
      // the first of these that makes the page of a feed makes it
      interleavedPageBuilder,
      randomizedPageBuilder,
    ],
    promoter: createPromotionProvider(),
    afterAnswer: [
      // in this order
      createShadowScorer(pool, models),
    ],
  };
}
