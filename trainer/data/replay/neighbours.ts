/** The neighbours of posts that a model keeps, and what they bring a user: what recsys_engine.with_engaged_posts and recsys_engine.with_covisited find. */
import { retrieval } from "../../../supabase/functions/_shared/features/retrieval.ts";
import type { Community } from "./community.ts";
import type { Timeline } from "./timeline.ts";

/** By the numbers of posts: the neighbours of post p begin at starts[p]. Weights are in millionths, so that sums are the same in any order. */
export interface Neighbours {
  starts: Int32Array;
  posts: Int32Array;
  weights: Int32Array;
}

/** By their ids: of each post its neighbours with their weights. */
export type IdNeighbours = Map<string, [neighbour: string, weight: number][]>;

/** A post with a neighbour of it, by their numbers. */
export interface NeighbourRow {
  post: number;
  neighbour: number;
  weight: number;
}

/** Packs neighbours; those of a post stay in their order. */
export function packNeighbours(found: NeighbourRow[], posts: number): Neighbours {
  const starts = new Int32Array(posts + 1);
  for (const { post } of found) starts[post + 1]++;
  for (let post = 0; post < posts; post++) starts[post + 1] += starts[post];
  const next = starts.slice();
  const packed = { starts, posts: new Int32Array(found.length), weights: new Int32Array(found.length) };
  for (const { post, neighbour, weight } of found) {
    const slot = next[post]++;
    packed.posts[slot] = neighbour;
    packed.weights[slot] = weight;
  }
  return packed;
}

/** Those of a model in the numbers of a community; undefined: it has none. */
export function numberedNeighbours(byId: IdNeighbours, { posts }: Community): Neighbours | undefined {
  if (byId.size === 0) return undefined;
  const numbers = new Map(posts.ids.map((id, number) => [id, number]));
  const found: NeighbourRow[] = [];
  for (const [id, neighbours] of byId) {
    const post = numbers.get(id);
    for (const [other, weight] of neighbours) {
      const neighbour = numbers.get(other);
      if (post !== undefined && neighbour !== undefined) found.push({ post, neighbour, weight });
    }
  }
  return packNeighbours(found, posts.ids.length);
}

export function neighboursById(neighbours: Neighbours | undefined, { posts }: Community): IdNeighbours {
  const byId: IdNeighbours = new Map();
  if (!neighbours) return byId;
  for (const [post, id] of posts.ids.entries()) {
    const [start, end] = [neighbours.starts[post], neighbours.starts[post + 1]];
    const slots = Array.from({ length: end - start }, (_, i) => start + i);
    if (slots.length > 0)
      byId.set(
        id,
        slots.map((slot) => [posts.ids[neighbours.posts[slot]], neighbours.weights[slot]]),
      );
  }
  return byId;
}

/** What everybody did so far, the latest first: events by user, −1: no more. */
interface SoFar {
  /** Posts 0 to alive − 1 exist. */
  alive: number;
  lastInteraction: Int32Array;
  interactionBefore: Int32Array;
  community: Community;
  timeline: Timeline;
}

/** The neighbours of what a user interacted with lately, those for which most speaks first; of as much, those with the lower id. What is `hidden` speaks for nothing, and is not counted. `acts`: so many are known. */
export function covisitedBy(
  user: number,
  neighbours: Neighbours | undefined,
  { alive, lastInteraction, interactionBefore, community, timeline }: SoFar,
  hidden?: Uint8Array,
  acts = Number.POSITIVE_INFINITY,
): number[] {
  if (!neighbours) return [];
  const cameTo = new Set<number>();
  let counted = 0;
  for (
    let event = lastInteraction[user];
    counted < Math.min(acts, retrieval.historyInteractions) && event >= 0;
    event = interactionBefore[event]
  ) {
    const post = timeline.posts[event];
    if (hidden?.[post]) continue;
    cameTo.add(post);
    counted++;
  }
  const sums = new Map<number, number>();
  const { starts, posts, weights } = neighbours;
  for (const post of cameTo)
    for (let slot = starts[post]; slot < starts[post + 1]; slot++)
      if (posts[slot] < alive) sums.set(posts[slot], (sums.get(posts[slot]) ?? 0) + weights[slot]);
  const { ids } = community.posts;
  const order = [...sums].sort(([a, one], [b, other]) => other - one || (ids[a] < ids[b] ? -1 : 1));
  return order.map(([post]) => post);
}
