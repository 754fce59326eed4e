/** What an operator may change of a feed: recsys_engine.feed_settings. */
import type { RecsysEngineFeedSettings } from "../../database/schema.ts";
import { allHeads, type Head } from "../../features/kinds.ts";

/** The settings of a feed, with what was chosen for its reader. */
export type FeedSettings = Readonly<RecsysEngineFeedSettings> & {
  /** The share of a page that posts of newcomers may take (recsys_engine.newcomer_share), from 0 to 1; undefined: 1. */
  newcomer_share?: number;
  /** As in `SelectionSettings`. */
  newcomer_places?: number;
};

/** What each head counts in the score. */
export function headWeights(settings: Pick<FeedSettings, `${Head}_weight`>): Record<Head, number> {
  return Object.fromEntries(allHeads.map((head) => [head, settings[`${head}_weight`]])) as Record<Head, number>;
}

/**
 * From so many posts in their history, a user's taste is known: below it, pages by score are worth less
 * (docs/research/experiments.md#the-first-acts).
 */
const knownFrom = 10;

/** Whether a user with so many posts in their history is known well enough. */
export function hasEnoughHistory(history: number): boolean {
  return history >= knownFrom;
}

/**
 * The settings for a user with so many posts in their history. A new user's scores lie closer together, so the same
 * `diversity` would spread their page over more subjects and cost a sixth of its worth, where it costs others a twentieth.
 */
export function settingsForHistory<Settings extends { diversity: number }>(
  settings: Settings,
  history: number,
): Settings {
  return { ...settings, diversity: settings.diversity * Math.min(1, history / knownFrom) };
}

/**
 * Sets `newcomer_places` for a page of `limit` places. The feed's seed rounds the share up or down: with a share of
 * 0.03 and 20 places, 60 % of feeds have one place and the others none.
 */
export function withNewcomerPlaces<Settings extends Pick<FeedSettings, "newcomer_share" | "newcomer_places">>(
  settings: Settings,
  limit: number,
  seed: bigint,
): Settings {
  const { newcomer_share = 1 } = settings;
  if (newcomer_share >= 1) return settings;
  return { ...settings, newcomer_places: Math.floor(newcomer_share * limit + chanceOf(seed)) };
}

/** Maps a seed to a number in [0, 1). */
function chanceOf(seed: bigint): number {
  return Number(BigInt.asUintN(32, (BigInt.asUintN(64, seed) * 0x9e3779b97f4a7c15n) >> 32n)) / 2 ** 32;
}
