/** What an operator may change of a feed: recsys.feed_settings. */
import type { RecsysFeedSettings } from "../database/schema.ts";
import { allHeads, type Head } from "../features/kinds.ts";

/** The settings of a feed; those of somebody in an experiment are their variant's. */
export type FeedSettings = Readonly<RecsysFeedSettings>;

/** What each head counts in the score. */
export function headWeights(settings: Pick<FeedSettings, `${Head}_weight`>): Record<Head, number> {
  return Object.fromEntries(allHeads.map((head) => [head, settings[`${head}_weight`]])) as Record<Head, number>;
}
