/**
 * A personal feed, stage by stage. Each stage has its folder:
 *
 * - request/: cursor, filter, settings
 * - context/: the user, and the user tower's vector (gather-inputs.ts reads both with the candidates)
 * - sources/: candidates of all sources, under the reader's row level security
 * - hydration/: texts, topics and conversations of candidates; post-cache/ keeps their states
 * - filters/: reposts, and posts that cannot be ranked
 * - scoring/: the ranker; without one, the order of the community feed
 * - selection/: the page: penalties, duplicates, exploration
 * - page/: visibility checked again, reasons, the answer
 * - logging/: impressions, after the answer
 *
 * pipeline/types.ts has the hooks of plugins, fallback/ the feeds that need less.
 */
import { AppError, toAppError } from "../http/errors.ts";
import type { Log } from "../http/log.ts";
import { noSpan, type Span } from "../http/span.ts";
import { userState } from "./context/user-state.ts";
import { loadRepostFilter } from "./filters/reposts.ts";
import { type UnrankablePost, unrankableError } from "./filters/unrankable.ts";
import { gatherInputs } from "./gather-inputs.ts";
import { hydratePosts } from "./hydration/hydrate-posts.ts";
import { buildDefaultPage, explorationFor } from "./page/build-page.ts";
import { buildFeedResult } from "./page/feed-result.ts";
import { type IsUnavailable, recheckVisibility } from "./page/recheck-visibility.ts";
import { requestedPage, scoreByRequestOrder } from "./page/requested-page.ts";
import {
  type BuiltPage,
  type ChosenModel,
  ChosenModelError,
  type FeedResult,
  type FeedServices,
  type RankingInputs,
} from "./pipeline/types.ts";
import { ModelDroppedError } from "./post-cache/post-cache.ts";
import type { Page } from "./request/cursor.ts";
import { headWeights } from "./request/feed-settings.ts";
import type { Reader } from "./request/reader.ts";
import { type ScoredPost, scoreByCommunity, scoreWithModel } from "./scoring/score.ts";

/** A reader's feed; `timeout` is that of each statement. Throws AppError; candidates that cannot be ranked are left out and logged. */
export async function recommendLive(
  services: FeedServices,
  reader: Reader,
  page: Page,
  timeout: string,
  span: Span = noSpan,
): Promise<FeedResult> {
  try {
    return await feedBy(services, reader, page, timeout, span, false);
  } catch (error) {
    if (!(error instanceof ChosenModelError)) throw error;
    services.log("chosen_model_failed", error);
    return await feedBy(services, reader, page, timeout, span, true);
  }
}

/** `failed` as in `ModelSelector`. Throws ChosenModelError. */
async function feedBy(
  services: FeedServices,
  reader: Reader,
  page: Page,
  timeout: string,
  span: Span,
  failed: boolean,
): Promise<FeedResult> {
  const find = () => gatherInputs(services, reader, page, timeout, span, failed);
  const lookedUp = await find().catch((error) => {
    if (!(error instanceof ModelDroppedError)) throw error;
    // another model serves by now
    return find();
  });
  if ("feed" in lookedUp) return lookedUp;
  const { found, chosen, label, makers, promotions } = lookedUp;
  // the connection is free again
  const { context, posts } = found;
  const leftOut: UnrankablePost[] = [];
  // asked while the ranker runs
  const told = hydratePosts(services, posts, context, found.originals);
  const toldReposts = loadRepostFilter(services.conversations, found.originals);
  const ofScores = span("scores");
  const thought = await ranking(services.log, found, chosen, leftOut);
  ofScores();
  await told;
  // only now is it known which posts are one conversation with what the reader saw
  const isRepost = await toldReposts;
  found.posts = posts.filter((post) => !isRepost(post));
  const ranked = thought?.filter(({ post }) => !isRepost(post)) ?? null;
  const unranked = () =>
    page.given
      ? scoreByRequestOrder(found.posts, page.given)
      : scoreByCommunity(found.posts, Number(context.now), leftOut);
  const unweighed = ranked ?? unranked();
  const makeOf = async (found: RankingInputs, unweighed: ScoredPost[]) => {
    const scored = promotions?.weighed(unweighed) ?? unweighed;
    const asked = {
      found,
      page,
      scored: promotions?.unpinned(scored, page) ?? scored,
      explore: explorationFor(found, page),
      promotions,
      leftOut,
      isRepost,
    };
    let made: BuiltPage | null = null;
    // what else makes pages goes by a model's scores
    if (ranked) for (const make of makers) made ??= await make(asked);
    made ??= page.given ? requestedPage(asked) : buildDefaultPage(asked);
    return promotions ? promotions.placed(made, scored, page) : made;
  };
  const answered = (made: BuiltPage, found: RankingInputs, ranked: ScoredPost[] | null) => {
    if (leftOut.length > 0) services.log("candidates_left_out", unrankableError(leftOut));
    return buildFeedResult(found, page, ranked, made, label);
  };
  if (!found.isOfReplica) return answered(await makeOf(found, unweighed), found, ranked);
  const ofCheck = span("last_check");
  const makeOfLeft = (isGone: IsUnavailable) =>
    makeOf(
      { ...found, posts: found.posts.filter((post) => !isGone(post)) },
      unweighed.filter(({ post }) => !isGone(post)),
    );
  const { made, isGone, described } = await recheckVisibility(
    services.pool,
    reader.caller,
    page,
    found.posts,
    makeOfLeft,
    timeout,
  );
  ofCheck();
  const left = ranked?.filter(({ post }) => !isGone(post)) ?? null;
  return { ...answered(made, found, left), described };
}

/**
 * What the ranker says; null where there is none, or where it fails: that is logged, unless it is the chosen model's. `leftOut` takes the posts that
 * cannot be ranked. Throws ChosenModelError.
 */
async function ranking(
  log: Log,
  { context, model, input, vector, posts }: RankingInputs,
  chosen: ChosenModel | null,
  leftOut: UnrankablePost[],
): Promise<ScoredPost[] | null> {
  if (!model || !vector) return null;
  const request = { now: Number(context.now), weights: headWeights(context.settings) };
  try {
    if (model.ranker instanceof AppError) throw model.ranker;
    return await scoreWithModel(model.ranker, userState(context, input.history), vector, posts, request, leftOut);
  } catch (thrown) {
    const error = toAppError(thrown);
    if (chosen) throw new ChosenModelError(chosen, "cannot rank", error);
    log(error.code, error);
    leftOut.length = 0;
    return null;
  }
}
