import { buildDefaultPage } from "../../recommend/page/build-page.ts";
import type { PageBuilder } from "../../recommend/pipeline/types.ts";
import { randomizedPositions, secureUniform } from "./randomized-positions.ts";

/** Makes the pages on which places are drawn: only of users, since it is logged what came of theirs. */
export const randomizedPageBuilder: PageBuilder = {
  async prepare({ reader, found: { context } }) {
    const { drawn_share: share, draw_temperature: temperature } = context.settings;
    if (share === 0 || reader.caller.sub === undefined) return null;
    return async (ranked) =>
      buildDefaultPage(ranked, randomizedPositions({ share, temperature, random: secureUniform }));
  },
};
