/** What an operator may change of a feed: recsys_engine.feed_settings. */
import type { RecsysEngineFeedSettings } from "../database/schema.ts";
import { allHeads, type Head } from "../features/kinds.ts";

/** The settings of a feed, with what was chosen for its reader. */
export type FeedSettings = Readonly<RecsysEngineFeedSettings>;

/** What each head counts in the score. */
export function headWeights(settings: Pick<FeedSettings, `${Head}_weight`>): Record<Head, number> {
  return Object.fromEntries(allHeads.map((head) => [head, settings[`${head}_weight`]])) as Record<Head, number>;
}

/** From so many posts on what somebody did and wrote shows their taste: pages by score of those with fewer are worth less (docs/research/experiments.md#the-first-acts). */
const knownFrom = 10;

/** Whether more than a little is known of somebody with so many posts in their history. */
export function isKnown(history: number): boolean {
  return history >= knownFrom;
}

/**
 * The settings for somebody with so many posts in their history. Of whom little is known the scores lie closer together, so the same `diversity` makes
 * them a page of more subjects than anybody else's, and takes up to a sixth of what that is worth, from others a twentieth.
 */
export function settingsFor<Settings extends { diversity: number }>(settings: Settings, history: number): Settings {
  return { ...settings, diversity: settings.diversity * Math.min(1, history / knownFrom) };
}
