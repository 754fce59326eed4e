import { plainPage } from "../../recommend/page.ts";
import type { PageMaker } from "../../recommend/seams.ts";
import { drawnPlaces, unforeseeable } from "./draw.ts";

/** Makes the pages on which places are drawn: only of users, since it is logged what came of theirs. */
export const drawnPage: PageMaker = {
  async prepare({ reader, found: { context } }) {
    const { drawn_share: share, draw_temperature: temperature } = context.settings;
    if (share === 0 || reader.caller.sub === undefined) return null;
    return async (ranked) => plainPage(ranked, drawnPlaces({ share, temperature, random: unforeseeable }));
  },
};
