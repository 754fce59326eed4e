/** The stage that puts a feed together as it is answered, and what is to be logged of it. */

import { emptyDescription } from "../hydration/describe-items.ts";
import type { BuiltPage, FeedResult, RankingInputs } from "../pipeline/types.ts";
import { cursorAfter, type Page, servedPositions } from "../request/cursor.ts";
import { basisOf, type Feed, type FeedItem } from "../request/feed-schema.ts";
import type { ScoredPost } from "../scoring/score.ts";
import { primarySource } from "./explain-page.ts";

/** The feed of a page; `ranked`: all candidates, null where no model ranked. */
export function buildFeedResult(
  { context, input, ...found }: RankingInputs,
  page: Page,
  ranked: ScoredPost[] | null,
  { selected, why, candidates, credits, promoted }: BuiltPage,
  label: string,
): FeedResult {
  const model = ranked && found.model;
  const items = selected.map(({ chosen: { post, score, predictions }, folded }, i) => ({
    ...buildFeedItem(post, page, i, {
      score,
      predictions,
      source: page.given ? "candidates" : primarySource(post.ranks),
      why: why[i],
    }),
    ...(promoted?.[i] && { promoted: promoted[i].name }),
    ...(folded && { folded: folded.length }),
  }));
  const keys = selected.map(({ chosen }) => chosen.post.served_key);
  const foldedKeys = selected.flatMap(({ folded = [] }) => folded.map(({ post }) => post.served_key));
  return {
    ...baseFeedResult(context.now, items, {
      model: model && { id: model.id, name: model.name },
      mode: page.given ? "candidates" : "live",
      degraded: found.model && !ranked ? "unranked" : null,
      basis: model ? basisOf(input) : "community",
      next: candidates > keys.length + foldedKeys.length ? cursorAfter(page.served, keys, foldedKeys) : null,
    }),
    features: selected.map(({ chosen }) => chosen.features()),
    propensities: selected.map(({ propensity }) => (ranked ? propensity : null)),
    decision: page.given ? null : ranked && { found: { context, input, ...found }, page, ranked, selected },
    label,
    credits,
    promoted,
  };
}

/** The item of a page at place `i`, from 0. */
export function buildFeedItem(
  { post_id, title }: Pick<FeedItem, "post_id" | "title">,
  { served }: Page,
  i: number,
  { score, predictions, source, why }: Pick<FeedItem, "score" | "predictions" | "source" | "why">,
): FeedItem {
  const position = servedPositions(served) + i + 1;
  return { post_id, ...emptyDescription(post_id), title, score, predictions, source, why, topic: null, position };
}

/** The base of a feed's result; fields of a live, ranked feed are left out. */
export function baseFeedResult(
  shownAt: Date,
  items: FeedItem[],
  {
    model = null,
    mode = "live",
    degraded = null,
    made_at,
    basis = "community",
    next,
  }: Partial<Feed> & Pick<Feed, "next">,
): FeedResult {
  return {
    feed: {
      request_id: crypto.randomUUID(),
      model,
      mode,
      degraded,
      made_at: made_at ?? shownAt.toISOString(),
      basis,
      items,
      next,
    },
    shownAt,
    features: items.map(() => null),
    propensities: items.map(() => null),
    decision: null,
    label: null,
  };
}
