/**
 * The posts that a request names, such as what the app's own search found: all that the caller may be shown, in the order of the model, page by page.
 * Where no model ranks they keep the order in which they were named, since that of a search says more than what is fresh and popular.
 */

import { call, type Pool, type Statement } from "../../database/database.ts";
import { type Identity, readAs } from "../../database/run-as-caller.ts";
import { sourceNames } from "../../features/retrieval.ts";
import type { PostCandidate } from "../context/user-state.ts";
import type { BuiltPage, FeedResult, RankedCandidates } from "../pipeline/types.ts";
import { cursorAfter, type Page } from "../request/cursor.ts";
import type { Reason } from "../request/feed-schema.ts";
import { type ScoredPost, unscored } from "../scoring/score.ts";
import { compareScored } from "../selection/selectable.ts";
import { explainPage } from "./explain-page.ts";
import { baseFeedResult, buildFeedItem } from "./feed-result.ts";

const named: Reason = { kind: "candidates" };

/** The page by the scores alone: nothing on it is tried or kept apart from its like. */
export function requestedPage({
  found: { context, posts, input },
  page: { limit, served },
  scored,
}: RankedCandidates): BuiltPage {
  const known = new Set(served.keys);
  const left = scored.filter(({ post }) => !known.has(post.served_key)).sort(compareScored);
  const selected = left.slice(0, limit).map((chosen) => ({ chosen, explored: false, drawn: false, propensity: null }));
  // no source brought them: what one says of these posts among each other is no reason
  const isOfSource = ({ kind }: Reason) => sourceNames.some((source) => source === kind);
  const why = explainPage(selected, posts, context, input.history).map((each) => (isOfSource(each) ? named : each));
  return { selected, why, candidates: left.length };
}

/** The order in which they were named as scores, by id: half for the second, a third for the third. */
function scoresByPlace(given: string[]): Map<string, number> {
  return new Map(given.map((id, i) => [id, 1 / (i + 1)]));
}

/** Candidates with the scores of their places. */
export function scoreByRequestOrder(posts: PostCandidate[], given: string[]): ScoredPost[] {
  const scores = scoresByPlace(given);
  return posts.map((post) => ({ post, score: scores.get(post.post_id) as number, ...unscored }));
}

/** The same page where neither model nor candidates can be had, in one statement. Throws AppError. */
export async function requestedFeedUnranked(
  { pool }: { pool: Pool },
  caller: Identity,
  page: Page & { given: string[] },
  timeout: string,
): Promise<FeedResult> {
  const { served, given, limit, filter } = page;
  const statement = call("recsys_engine.requested_posts", {
    p_user_id: caller.sub ?? null,
    p_requested: given,
    p_filter: filter ? JSON.stringify(filter) : null,
    p_seed: String(served.seed),
  }) as Statement<{ now: Date; post_id: string; title: string; served_key: number }>;
  const rows = await readAs(pool, caller, statement, async (_, rows) => rows, timeout);
  const known = new Set(served.keys);
  const scores = scoresByPlace(given);
  const left = rows.filter(({ served_key }) => !known.has(Number(served_key)));
  const shown = left.slice(0, limit);
  const items = shown.map((post, i) => {
    const score = scores.get(post.post_id) as number;
    return buildFeedItem(post, page, i, { score, predictions: null, source: "candidates", why: named });
  });
  const keys = shown.map(({ served_key }) => Number(served_key));
  const next = left.length > shown.length ? cursorAfter(served, keys) : null;
  return baseFeedResult(rows[0]?.now ?? new Date(), items, { mode: "candidates", next });
}
