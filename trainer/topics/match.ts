/**
 * Which new topic is which earlier one: vectors of two models cannot be compared, but posts are the same. Of all pairs the one that shares the
 * largest part of its posts comes first (Jaccard's index), then the next of those that are left.
 */

/** A topic that shares less than this of its posts with another is not the same any more. */
const leastShared = 0.2;

/**
 * The earlier topic that each of `k` new ones goes on from, null: it is new. `earlier` has the number of each post's earlier topic, −1: none, `now` of
 * its new one.
 */
export function matchTopics(earlier: Int32Array, now: Int32Array, k: number): (number | null)[] {
  const shared = new Map<number, Map<number, number>>();
  const before = new Map<number, number>();
  const after = new Int32Array(k);
  for (let i = 0; i < now.length; i++) {
    if (now[i] < 0) continue;
    after[now[i]]++;
    if (earlier[i] < 0) continue;
    before.set(earlier[i], (before.get(earlier[i]) ?? 0) + 1);
    const row = shared.get(now[i]) ?? new Map<number, number>();
    shared.set(now[i], row.set(earlier[i], (row.get(earlier[i]) ?? 0) + 1));
  }
  const pairs: { topic: number; was: number; share: number }[] = [];
  for (const [topic, row] of shared)
    for (const [was, both] of row) {
      const share = both / (after[topic] + (before.get(was) ?? 0) - both);
      if (share >= leastShared) pairs.push({ topic, was, share });
    }
  pairs.sort((a, b) => b.share - a.share || a.topic - b.topic || a.was - b.was);
  const matched = new Array<number | null>(k).fill(null);
  const taken = new Set<number>();
  for (const { topic, was } of pairs) {
    if (matched[topic] !== null || taken.has(was)) continue;
    matched[topic] = was;
    taken.add(was);
  }
  return matched;
}
