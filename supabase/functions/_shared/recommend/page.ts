/** The stage that makes the page, with the reason of each of its posts. */
import { type Page, placesOf } from "./cursor.ts";
import { isKnown } from "./feed-settings.ts";
import type { ContextRow } from "./read-context.ts";
import { reasons } from "./reasons.ts";
import type { ScoredPost } from "./scores.ts";
import type { LookedUp, MadePage, Ranked } from "./seams.ts";
import { type Exploration, exploration, trialPlace } from "./select/exploration.ts";
import { type Filler, type Selected, select } from "./select/select.ts";

/** What is tried on a page; null: nothing. */
export function explorationOf({ context, trials, input }: LookedUp, { limit, served }: Page): Exploration | null {
  return exploration(context.settings, trials, placesOf(served), limit, isKnown(input.history.length));
}

/** The page of one model, or of none. */
export function plainPage(
  { found: { context, posts, input }, page, scored, explore }: Ranked,
  ...fillers: Filler<ScoredPost>[]
): MadePage {
  const selected = bestOf(scored, page, context, explore, ...fillers);
  return { selected, why: reasons(selected, posts, context, input.history), candidates: scored.length };
}

/** The best by their scores, but for a place under trial and those that `fillers` want. */
export function bestOf(
  scored: ScoredPost[],
  { limit, served }: Page,
  context: ContextRow,
  explore: Exploration | null,
  ...fillers: Filler<ScoredPost>[]
): Selected<ScoredPost>[] {
  const tried: Filler<ScoredPost>[] = explore ? [trialPlace(explore)] : [];
  return select(scored, limit, context.settings, placesOf(served), [...tried, ...fillers]);
}
