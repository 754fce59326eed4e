/** A feed as whoever runs the community may look at it: every candidate, what the ranker was told of it, and how long each stage takes. */
import { featureNames } from "../features/feature-names.ts";
import type { Span } from "../http/span.ts";
import type { FeedResult, FeedServices } from "../recommend/pipeline/types.ts";
import { recommendLive } from "../recommend/recommend.ts";
import { emptyServedState } from "../recommend/request/cursor.ts";

const timeout = "5s";

/** The feed that a user would get now, as the user; nothing is written of it. Throws AppError. */
export function previewOf(services: FeedServices, userId: string, limit: number, span?: Span): Promise<FeedResult> {
  const caller = { role: "authenticated", sub: userId, preview: true };
  return recommendLive(services, { caller, interests: [] }, { limit, served: emptyServedState() }, timeout, span);
}

/** All candidates of a user's first page, the best first. Without a ranker there are only those of the page. Throws AppError. */
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
  /** Over the feeds measured. */
  median_ms: number;
  slowest_ms: number;
  feeds: number;
}

/** Makes a feed for each of these users, one after another, and says how long each stage took; the first, which may load a model, does not count. */
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
