/**
 * A personal feed, a line of stages:
 *
 *   context ──> user tower ──> sources, filters, states ──> features ──> scores ──> selection ──> reasons ──> after the answer
 *    (SQL)        (ONNX)     (SQL, what is common is kept)                (ONNX)
 *
 * Without an active model, or where its ranker fails, the same candidates come in the order of the community feed. Where the model of an
 * experiment fails, the active one serves. Where an experiment interleaves two models, the second is looked up, ranks and selects beside the first
 * (interleave/), and their pages are drafted into one.
 */
import { AppError, asAppError } from "../http/errors.ts";
import { noSpan, type Span } from "../http/span.ts";
import { basisOf } from "./basis.ts";
import { cursorAfter, type Page } from "./cursor.ts";
import { undescribed } from "./describe-items.ts";
import type { Feed } from "./feed.ts";
import { draftedPage, type Pick, secondScores } from "./interleave/drafted-page.ts";
import { ModelGone } from "./known-posts.ts";
import { type LeftOut, leftOutLine } from "./left-out.ts";
import { type FeedServices, type Found, lookUp } from "./look-up.ts";
import { headWeights } from "./read-context.ts";
import type { Reader } from "./reader.ts";
import { communityScores, modelScores, type ScoredPost } from "./scores.ts";
import { unforeseeable } from "./select/draw.ts";
import { exploration } from "./select/exploration.ts";
import { type Selected, select } from "./select/select.ts";
import { bestSource } from "./source.ts";
import { type PostCandidate, userState } from "./states.ts";
import { isVariantModel, VariantModelFailed } from "./variant-model.ts";
import { reasons } from "./why/reasons.ts";

/** What a page was chosen from, for whoever asks afterwards what another model would have chosen. */
export interface Decision {
  found: Found;
  page: Page;
  /** All candidates, as the model that served ranked them. */
  ranked: ScoredPost[];
  selected: Selected<ScoredPost>[];
}

export interface Recommendation {
  feed: Feed;
  /** The engine's instant for which it holds. */
  shownAt: Date;
  /** What the ranker was told of each item; null where no model ranked. */
  features: (number[] | null)[];
  /** The chance with which each item got its place, as recsys.impressions.propensity. */
  propensities: (number | null)[];
  /** null: no model ranked. */
  decision: Decision | null;
  /** The variants that the user is in, as recsys.impressions.variant; "": in none; null: nobody has looked. */
  variant: string | null;
  /** Of each item, where two models drafted the feed. */
  picks?: Pick[];
}

/** A reader's feed; `timeout` is that of each statement. Throws AppError; candidates that cannot be ranked are left out and logged. */
export async function recommend(
  services: FeedServices,
  reader: Reader,
  page: Page,
  timeout: string,
  span: Span = noSpan,
): Promise<Recommendation> {
  try {
    return await feedBy(services, reader, page, timeout, span, true);
  } catch (error) {
    if (!(error instanceof VariantModelFailed)) throw error;
    services.log("variant_model_failed", error);
    return await feedBy(services, reader, page, timeout, span, false);
  }
}

/** The feed by the model of the user's variant, or by the active one. Throws VariantModelFailed where the first cannot serve. */
async function feedBy(
  services: FeedServices,
  reader: Reader,
  page: Page,
  timeout: string,
  span: Span,
  withVariantModel: boolean,
): Promise<Recommendation> {
  const find = () => lookUp(services, reader, page, timeout, span, withVariantModel);
  const found = await find().catch((error) => {
    if (!(error instanceof ModelGone)) throw error;
    // another model serves by now
    return find();
  });
  // the connection is free again
  const { context, active, input, posts, trials } = found;
  const leftOut: LeftOut[] = [];
  const ofScores = span("scores");
  const ranked = await ranking(services, found, leftOut);
  if (context.variant_model_id !== null && context.variant_model_id !== active?.id)
    services.log("variant_model_failed", new VariantModelFailed(context, "does not serve any more"));
  const model = ranked && active;
  const scored = ranked ?? communityScores(posts, Number(context.now), leftOut);
  const second = ranked && found.second;
  const secondScored = second && (await secondScores(services.log, second, leftOut));
  ofScores();
  if (context.topic_share < 1) await withTopics(services, [...posts, ...(second?.posts ?? [])]);
  if (leftOut.length > 0) services.log("candidates_left_out", leftOutLine(leftOut));
  const served = page.served.keys.length;
  const explore = exploration(context, trials, served, page.limit);
  const drafted =
    active && secondScored
      ? draftedPage(
          {
            1: { modelId: active.id, scored, posts, context },
            2: { modelId: second.id, scored: secondScored, posts: second.posts, context: second.context },
          },
          page,
          explore,
        )
      : null;
  const left = drafted?.candidates ?? scored.length;
  const { drawn_share: share, draw_temperature: temperature } = context;
  // by a model's scores only, and only where it is logged what came of it
  const isDrawn = ranked !== null && reader.caller.sub !== undefined;
  const draw = isDrawn ? { share, temperature, random: unforeseeable } : undefined;
  const selected = drafted?.selected ?? select(scored, page.limit, context, served, { explore, draw });
  const why = drafted?.why ?? reasons(selected, posts, context);
  const feed: Feed = {
    request_id: crypto.randomUUID(),
    model: model && { id: Number(model.id), name: model.name },
    mode: "live",
    degraded: active && !ranked ? "unranked" : null,
    made_at: context.now.toISOString(),
    basis: model ? basisOf(input.history.length > 0, input) : "community",
    items: selected.map(({ chosen: { post, score, predictions } }, i) => ({
      post_id: post.post_id,
      ...undescribed(post.post_id),
      title: post.title,
      score,
      predictions,
      source: bestSource(post.ranks),
      why: why[i],
      topic: null,
      position: served + i + 1,
    })),
    next:
      left > selected.length
        ? cursorAfter(
            page.served,
            selected.map(({ chosen }) => chosen.post.served_key),
          )
        : null,
  };
  return {
    feed,
    shownAt: context.now,
    features: selected.map(({ chosen }) => chosen.features?.() ?? null),
    propensities: selected.map(({ propensity }) => (ranked && !drafted ? propensity : null)),
    decision: ranked && { found, page, ranked, selected },
    variant: context.variant ?? "",
    ...(drafted && { picks: drafted.picks }),
  };
}

/** Tells posts their topics. Of all that were found, since nobody knows yet which of them others would have chosen. */
async function withTopics({ topics }: FeedServices, posts: PostCandidate[]): Promise<void> {
  const known = await topics.of(posts.map(({ post_id }) => post_id));
  for (const post of posts) post.topic_id = known.get(post.post_id)?.id ?? null;
}

/** What the ranker says; null where there is none, or where it fails, and that is logged. */
async function ranking(
  { log }: FeedServices,
  { context, active, input, vector, posts }: Found,
  leftOut: LeftOut[],
): Promise<ScoredPost[] | null> {
  if (!active || !vector) return null;
  const now = Number(context.now);
  const weights = headWeights(context);
  try {
    if (active.ranker instanceof AppError) throw active.ranker;
    return await modelScores(
      active.ranker,
      userState(context, input.history),
      vector,
      posts,
      { now, weights },
      leftOut,
    );
  } catch (thrown) {
    const error = asAppError(thrown);
    if (isVariantModel(context, active.id)) throw new VariantModelFailed(context, "cannot rank", error);
    log(error.code, error);
    leftOut.length = 0;
    return null;
  }
}
