/**
 * A personal feed, a line of stages:
 *
 *   context ──> user tower ──> candidates ──> features, scores ──> page, reasons ──> answer ──> after the answer
 *    (SQL)        (ONNX)         (SQL)            (ONNX)
 *    look-up.ts ─────────────────────────>    scores.ts            page.ts           answer.ts  (the handler)
 *
 * Without an active model, or where its ranker fails, the same candidates come in the order of the community feed. Who may choose another model,
 * make the page or do work afterwards is in seams.ts.
 */
import { AppError, asAppError } from "../http/errors.ts";
import type { Log } from "../http/log.ts";
import { noSpan, type Span } from "../http/span.ts";
import { answerOf } from "./answer.ts";
import type { Page } from "./cursor.ts";
import { headWeights } from "./feed-settings.ts";
import { givenPage, givenScores } from "./given.ts";
import { ModelGone } from "./known-posts.ts";
import { checkedPage, type IsGone } from "./last-check.ts";
import { type LeftOut, leftOutLine } from "./left-out.ts";
import { lookUp } from "./look-up.ts";
import { explorationOf, plainPage } from "./page.ts";
import type { Reader } from "./reader.ts";
import { repostsOf } from "./reposts.ts";
import { communityScores, modelScores, type ScoredPost } from "./scores.ts";
import {
  type Chosen,
  ChosenModelFailed,
  type FeedServices,
  type LookedUp,
  type MadePage,
  type Recommendation,
} from "./seams.ts";
import { userState } from "./states.ts";
import { tellPosts } from "./tell-posts.ts";

/** A reader's feed; `timeout` is that of each statement. Throws AppError; candidates that cannot be ranked are left out and logged. */
export async function recommend(
  services: FeedServices,
  reader: Reader,
  page: Page,
  timeout: string,
  span: Span = noSpan,
): Promise<Recommendation> {
  try {
    return await feedBy(services, reader, page, timeout, span, false);
  } catch (error) {
    if (!(error instanceof ChosenModelFailed)) throw error;
    services.log("chosen_model_failed", error);
    return await feedBy(services, reader, page, timeout, span, true);
  }
}

/** `failed` as in `ModelChoice`. Throws ChosenModelFailed. */
async function feedBy(
  services: FeedServices,
  reader: Reader,
  page: Page,
  timeout: string,
  span: Span,
  failed: boolean,
): Promise<Recommendation> {
  const find = () => lookUp(services, reader, page, timeout, span, failed);
  const lookedUp = await find().catch((error) => {
    if (!(error instanceof ModelGone)) throw error;
    // another model serves by now
    return find();
  });
  if ("feed" in lookedUp) return lookedUp;
  const { found, chosen, label, makers, promotions } = lookedUp;
  // the connection is free again
  const { context, posts } = found;
  const leftOut: LeftOut[] = [];
  // asked while the ranker runs
  const told = tellPosts(services, posts, context, found.originals);
  const toldReposts = repostsOf(services.conversations, found.originals);
  const ofScores = span("scores");
  const thought = await ranking(services.log, found, chosen, leftOut);
  ofScores();
  await told;
  // only now is it known which posts are one conversation with what the reader saw
  const isRepost = await toldReposts;
  found.posts = posts.filter((post) => !isRepost(post));
  const ranked = thought?.filter(({ post }) => !isRepost(post)) ?? null;
  const unranked = () =>
    page.given ? givenScores(found.posts, page.given) : communityScores(found.posts, Number(context.now), leftOut);
  const unweighed = ranked ?? unranked();
  const makeOf = async (found: LookedUp, unweighed: ScoredPost[]) => {
    const scored = promotions?.weighed(unweighed) ?? unweighed;
    const asked = {
      found,
      page,
      scored: promotions?.unpinned(scored, page) ?? scored,
      explore: explorationOf(found, page),
      promotions,
      leftOut,
      isRepost,
    };
    let made: MadePage | null = null;
    // what else makes pages goes by a model's scores
    if (ranked) for (const make of makers) made ??= await make(asked);
    made ??= page.given ? givenPage(asked) : plainPage(asked);
    return promotions ? promotions.placed(made, scored, page) : made;
  };
  const answered = (made: MadePage, found: LookedUp, ranked: ScoredPost[] | null) => {
    if (leftOut.length > 0) services.log("candidates_left_out", leftOutLine(leftOut));
    return answerOf(found, page, ranked, made, label);
  };
  if (!found.isOfReplica) return answered(await makeOf(found, unweighed), found, ranked);
  const ofCheck = span("last_check");
  const makeOfLeft = (isGone: IsGone) =>
    makeOf(
      { ...found, posts: found.posts.filter((post) => !isGone(post)) },
      unweighed.filter(({ post }) => !isGone(post)),
    );
  const { made, isGone, described } = await checkedPage(
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
 * cannot be ranked. Throws ChosenModelFailed.
 */
async function ranking(
  log: Log,
  { context, model, input, vector, posts }: LookedUp,
  chosen: Chosen | null,
  leftOut: LeftOut[],
): Promise<ScoredPost[] | null> {
  if (!model || !vector) return null;
  const request = { now: Number(context.now), weights: headWeights(context.settings) };
  try {
    if (model.ranker instanceof AppError) throw model.ranker;
    return await modelScores(model.ranker, userState(context, input.history), vector, posts, request, leftOut);
  } catch (thrown) {
    const error = asAppError(thrown);
    if (chosen) throw new ChosenModelFailed(chosen, "cannot rank", error);
    log(error.code, error);
    leftOut.length = 0;
    return null;
  }
}
