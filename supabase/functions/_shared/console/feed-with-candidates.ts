/** A feed as whoever runs the community may look at it: every candidate, what the ranker was told of it, and where it stands. */
import { featureNames } from "../features/feature-names.ts";
import type { Span } from "../http/span.ts";
import { nothingServed } from "../recommend/cursor.ts";
import { recommend } from "../recommend/recommend.ts";
import type { FeedServices, Recommendation } from "../recommend/seams.ts";

const timeout = "5s";

/** The feed that a user would get now, as the user; nothing is written of it. Throws AppError. */
export function previewOf(services: FeedServices, userId: string, limit: number, span?: Span): Promise<Recommendation> {
  const caller = { role: "authenticated", sub: userId, preview: true };
  return recommend(services, { caller, interests: [] }, { limit, served: nothingServed() }, timeout, span);
}

/** All candidates of a user's first page, the best first. Without a ranker there are only those of the page. Throws AppError. */
export async function feedWithCandidates(services: FeedServices, userId: string, limit: number) {
  const { feed, decision } = await previewOf(services, userId, limit);
  const places = new Map(feed.items.map((item) => [item.post_id, item]));
  const ranked = [...(decision?.ranked ?? [])].sort((a, b) => b.score - a.score);
  const candidates = ranked.map(({ post, score, predictions, features }, i) => ({
    post_id: post.post_id,
    title: post.title,
    created_at: new Date(Number(post.created_at)).toISOString(),
    author_id: post.author_id,
    sources: post.ranks,
    score,
    predictions,
    rank: i + 1,
    position: places.get(post.post_id)?.position ?? null,
    why: places.get(post.post_id)?.why ?? null,
    features: features?.().map((value) => Number(value.toPrecision(6))) ?? null,
  }));
  return { ...feed, feature_names: featureNames, candidates };
}
