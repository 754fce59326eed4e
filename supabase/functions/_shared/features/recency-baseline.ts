/**
 * The recency baseline, "last active with age": −log(1 + hours since the last activity) − ¼ log(1 + age in hours). The best simple ranking of
 * a live community; the order of the feed where there is no model, and where the ranker's wide part starts.
 */
export function recencyBaseline(post: { created_at: number; last_active_at: number | null }, now: number): number {
  const hours = (since: number) => Math.max(0, now - since) / 3_600_000;
  return -Math.log1p(hours(post.last_active_at ?? post.created_at)) - 0.25 * Math.log1p(hours(post.created_at));
}
