/** Preview of a user's feed for an operator: all candidates, their features, and the time of each stage. */
import { featureNames } from "../features/feature-names.ts";
import type { Span } from "../http/span.ts";
import type { FeedResult, FeedServices } from "../recommend/pipeline/types.ts";
import { recommendLive } from "../recommend/recommend.ts";
import { emptyServedState } from "../recommend/request/cursor.ts";

const timeout = "5s";

/** The feed that a user would get now, read under their role and not logged. Throws AppError. */
export function previewOf(services: FeedServices, userId: string, limit: number, span?: Span): Promise<FeedResult> {
  const caller = { role: "authenticated", sub: userId, preview: true };
  return recommendLive(services, { caller, interests: [] }, { limit, served: emptyServedState() }, timeout, span);
}

/** All candidates of a user's first page, best first; without a ranker only those of the page. Throws AppError. */
export async function feedWithCandidates(services: FeedServices, userId: string, limit: number) {
  const { feed, decision } = await previewOf(services, userId, limit);
  const places = new Map(feed.items.map((item) => [item.post_id, item]));
  const ranked = [...(decision?.ranked ?? [])].sort((a, b) => b.score - a.score);
  const candidates = ranked.map((each, i) => ({
    post_id: each.post.post_id,
    title: each.post.title,
    created_at: new Date(Number(each.post.created_at)).toISOString(),
    author_id: each.post.author_id,
    sources: each.post.ranks,
    score: each.score,
    predictions: each.predictions,
    rank: i + 1,
    position: places.get(each.post.post_id)?.position ?? null,
    why: places.get(each.post.post_id)?.why ?? null,
    features: each.features()?.map((value) => Number(value.toPrecision(6))) ?? null,
  }));
  return { ...feed, feature_names: featureNames, candidates };
}

export interface Latency {
  stage: string;
  /** Over the measured feeds. */
  median_ms: number;
  slowest_ms: number;
  feeds: number;
}

/** Measures the stages of a feed for each user in turn; the first feed is not counted, since it may load a model. */
export async function latency(services: FeedServices, userIds: string[]): Promise<Latency[]> {
  const took = new Map<string, number[]>();
  const add = (stage: string, milliseconds: number) => {
    took.set(stage, [...(took.get(stage) ?? []), milliseconds]);
  };
  for (const [i, userId] of [userIds[0], ...userIds].entries()) {
    if (userId === undefined) break;
    const begun = performance.now();
    await previewOf(services, userId, 20, (stage) => {
      const begun = performance.now();
      return () => {
        if (i > 0) add(stage, performance.now() - begun);
      };
    });
    if (i > 0) add("a feed", performance.now() - begun);
  }
  return Array.from(took, ([stage, each]) => {
    const sorted = each.sort((a, b) => a - b);
    return {
      stage,
      median_ms: sorted[Math.floor(sorted.length / 2)],
      slowest_ms: sorted[sorted.length - 1],
      feeds: sorted.length,
    };
  });
}
