/** The stage that makes one page of two models' rankings. */
import type { Log } from "../../http/log.ts";
import type { Page } from "../cursor.ts";
import type { Reason } from "../feed.ts";
import type { LeftOut } from "../left-out.ts";
import { type ContextRow, headWeights } from "../read-context.ts";
import { modelScores, type ScoredPost } from "../scores.ts";
import type { Exploration } from "../select/exploration.ts";
import { type Selected, select } from "../select/select.ts";
import { type PostCandidate, userState } from "../states.ts";
import { reasons } from "../why/reasons.ts";
import { coinsOf, draft, type Team } from "./draft.ts";
import { type Second, SecondModelFailed } from "./second-model.ts";

/** What a place of an interleaved feed is logged with. */
export interface Pick {
  /** The model whose ranking it is from, and whose score and features it has. */
  modelId: number;
  /** Whom it counts for; null: nobody. */
  team: Team | null;
}

export interface DraftedPage {
  selected: Selected<ScoredPost>[];
  why: Reason[];
  picks: Pick[];
  /** How many posts it was made of. */
  candidates: number;
}

/** What the second model's ranker says; null where it fails, and that is logged. */
export async function secondScores(
  log: Log,
  { context, ranker, input, vector, posts }: Second,
  leftOut: LeftOut[],
): Promise<ScoredPost[] | null> {
  const weights = headWeights(context);
  const own: LeftOut[] = [];
  try {
    const request = { now: Number(context.now), weights };
    const scored = await modelScores(ranker, userState(context, input.history), vector, posts, request, own);
    // what both leave out is named once
    leftOut.push(...own.filter(({ post_id }) => !leftOut.some((other) => other.post_id === post_id)));
    return scored;
  } catch (error) {
    log("variant_model_failed", new SecondModelFailed(context, "cannot rank", error));
    return null;
  }
}

/** One side of the draft: what a model thinks, of which posts, and in which terms. */
export interface Side {
  modelId: string;
  scored: ScoredPost[];
  posts: PostCandidate[];
  context: ContextRow;
}

/** The page that two models draft: each one's ranking is the page it would have made alone. */
export function draftedPage(
  sides: Record<Team, Side>,
  { limit, served }: Page,
  explore: Exploration | null,
): DraftedPage {
  const { context } = sides[1];
  const before = served.keys.length;
  const rankings = {
    1: select(sides[1].scored, limit, context, before, { explore }),
    2: select(sides[2].scored, limit, context, before, { explore }),
  };
  const drafted = draft(rankings, limit, coinsOf(served.seed), before, (by, isLeft) =>
    explore?.draw(sides[by].scored.filter(isLeft)),
  );
  // with what chance a draft gives a place to a post has no closed form
  const selected = drafted.map(({ chosen, explored }) => ({ chosen, explored, drawn: false, propensity: null }));
  const whyOf = (team: Team) => {
    const those = selected.filter((_, i) => drafted[i].by === team);
    return reasons(those, sides[team].posts, sides[team].context).values();
  };
  const why = { 1: whyOf(1), 2: whyOf(2) };
  return {
    selected,
    why: drafted.map(({ by }) => why[by].next().value as Reason),
    picks: drafted.map(({ by, team }) => ({ modelId: Number(sides[by].modelId), team })),
    candidates: new Set([...sides[1].scored, ...sides[2].scored].map(({ post }) => post.post_id)).size,
  };
}
