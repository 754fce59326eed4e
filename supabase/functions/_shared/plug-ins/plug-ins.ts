/** Who plugs in at the seams of a feed. Each has a folder of its own, which goes with its lines here, its SQL and its tests. */
import type { Pool } from "../database/database.ts";
import type { ModelCache } from "../models/models.ts";
import type { PlugIns } from "../recommend/seams.ts";
import { drawnPage } from "./drawn/drawn-page.ts";
import { draftedPage } from "./interleave/drafted-page.ts";
import { openPromotions } from "./promotions/promotions.ts";
import { openShadows } from "./shadow/shadows.ts";
import { variantModel } from "./variants/variant-model.ts";

/** Those of one worker. */
export function openPlugIns(pool: Pool, models: ModelCache): PlugIns {
  return {
    model: variantModel,
    pages: [
      // the first of these that makes the page of a feed makes it
      draftedPage,
      drawnPage,
    ],
    promoter: openPromotions(),
    afterAnswer: [
      // in this order
      openShadows(pool, models),
    ],
  };
}
