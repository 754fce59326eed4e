/**
 * One topic must not fill a page, however well its posts score: what is like each other by the vectors that rank is rarely all of one topic, so
 * neither diversity nor author_decay sees to it. A topic that has its share is behind all others from then on: the page stays full where nothing else is left.
 */
import type { Penalty, Selectable } from "./selectable.ts";

/** In logarithms of scores; behind any of another topic, and before what is worth nothing at all. */
const behind = 1e6;

/** Of `limit` places, `share` at most and one at least for each topic; posts of no topic are not counted. */
export function fullTopics(pool: Selectable[], share: number, limit: number): Penalty {
  // 0.3 of 10 are 3, though as a number of 32 bits 0.3 times 10 is a little more or less
  const most = Math.max(1, Math.floor(share * limit + 1e-4));
  const places = new Map<number, number>();
  return ({ post: { topic_id } }, values) => {
    if (topic_id == null) return;
    const has = (places.get(topic_id) ?? 0) + 1;
    places.set(topic_id, has);
    if (has !== most) return;
    for (let i = 0; i < values.length; i++) if (pool[i].post.topic_id === topic_id) values[i] -= behind;
  };
}
