/** The stage that makes the page, with the reason of each of its posts. */

import type { ContextRow } from "../context/read-context.ts";
import type { BuiltPage, RankedCandidates, RankingInputs } from "../pipeline/types.ts";
import { type Page, servedPositions } from "../request/cursor.ts";
import { hasEnoughHistory } from "../request/feed-settings.ts";
import type { ScoredPost } from "../scoring/score.ts";
import { type Exploration, explorationFiller, planExploration } from "../selection/exploration.ts";
import { type PositionFiller, type SelectedPost, selectPage } from "../selection/select-page.ts";
import { explainPage } from "./explain-page.ts";

/** What is tried on a page; null: nothing. */
export function explorationFor({ context, trials, input }: RankingInputs, { limit, served }: Page): Exploration | null {
  return planExploration(
    context.settings,
    trials,
    servedPositions(served),
    limit,
    hasEnoughHistory(input.history.length),
  );
}

/** The page of one model, or of none. */
export function buildDefaultPage(
  { found: { context, posts, input }, page, scored, explore }: RankedCandidates,
  ...fillers: PositionFiller<ScoredPost>[]
): BuiltPage {
  const selected = selectBest(scored, page, context, explore, ...fillers);
  return { selected, why: explainPage(selected, posts, context, input.history), candidates: scored.length };
}

/** The best by their scores, but for a place under trial and those that `fillers` want. */
export function selectBest(
  scored: ScoredPost[],
  { limit, served }: Page,
  context: ContextRow,
  explore: Exploration | null,
  ...fillers: PositionFiller<ScoredPost>[]
): SelectedPost<ScoredPost>[] {
  const tried: PositionFiller<ScoredPost>[] = explore ? [explorationFiller(explore)] : [];
  return selectPage(scored, limit, context.settings, servedPositions(served), [...tried, ...fillers]);
}
