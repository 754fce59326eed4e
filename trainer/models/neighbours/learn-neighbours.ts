/**
 * Learns neighbours by a regression of each post on those nearest to it (fsSLIM: Ning & Karypis, SLIM, ICDM 2011, ridge for lasso), transposed. A
 * first regression selects. MovieLens 100K at random instants: R@20 0.450, without selection 0.437, cosines 0.351 (docs/research/experiments.md).
 */
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { anonymityThreshold } from "../../../supabase/functions/_shared/ideas/find-needs.ts";
import { type NeighbourRow, type Neighbours, packNeighbours } from "../../data/replay/neighbours.ts";
import { topByScore } from "../../data/replay/top-k.ts";
import type { BipartiteInteractions } from "../nn/implicit-als.ts";
import { invert } from "../nn/minimise.ts";

/** Posts among which it is chosen, the nearest by cosine. */
const nearest = 100;
/** Of these a post is regressed on those that say most of it; 75 of 150 and 100 of 200 find as much, in twice and five times the time. */
const chosen = 50;
/** 0.402 with 10, 0.424 with 50, 0.422 with 400. */
const ridge = 150;
/** Neighbours that are kept of a post: 0.434 with 100, 0.437 with all. */
const kept = 50;
/** Of a person the latest: the time grows with the square of it. */
const mostOfPerson = 1000;

/** Users and posts of some first interactions, in order of time. */
export interface Pairs {
  users: Int32Array;
  posts: Int32Array;
}

export function learnNeighbours({ postsOf, usersOf }: BipartiteInteractions): Neighbours {
  const posts = usersOf.length;
  const together = new Float64Array(posts);
  /** Of each of some posts its place among them, −1: it is none. */
  const places = new Int32Array(posts).fill(-1);
  const found: NeighbourRow[][] = Array.from({ length: posts }, () => []);
  for (let post = 0; post < posts; post++) {
    if (usersOf[post].length < anonymityThreshold) continue;
    const met: number[] = [];
    for (const user of usersOf[post])
      for (const other of postsOf[user]) if (other !== post && together[other]++ === 0) met.push(other);
    // with fewer people who viewed both, a reader could infer what one of them did
    const others = met.filter((other) => together[other] >= anonymityThreshold).sort((a, b) => a - b);
    const cosines = Float64Array.from(others, (other) => together[other] / Math.sqrt(usersOf[other].length));
    const regress = (on: number[]) =>
      regression(
        gramOf(on, usersOf, postsOf, places),
        Float64Array.from(on, (other) => together[other]),
      );
    const near = topByScore(cosines, Math.min(nearest, others.length)).map((i) => others[i]);
    const speaking = near.length > chosen ? topByScore(regress(near), chosen).map((i) => near[i]) : near;
    const weights = regress(speaking);
    for (const [i, other] of speaking.entries()) {
      const weight = Math.round(1e6 * weights[i]);
      if (weight > 0) found[other].push({ post: other, neighbour: post, weight });
    }
    for (const other of met) together[other] = 0;
  }
  const most = found.flatMap((all) =>
    all.sort((a, b) => b.weight - a.weight || a.neighbour - b.neighbour).slice(0, kept),
  );
  return packNeighbours(most, posts);
}

/** Of each user the latest posts, and of each post their users. */
export function toBipartite({ users, posts }: Pairs, of: { users: number; posts: number }): BipartiteInteractions {
  const postsOf = Array.from({ length: of.users }, (): number[] => []);
  const usersOf = Array.from({ length: of.posts }, (): number[] => []);
  for (let i = users.length - 1; i >= 0; i--) {
    if (postsOf[users[i]].length === mostOfPerson) continue;
    postsOf[users[i]].push(posts[i]);
    usersOf[posts[i]].push(users[i]);
  }
  return { postsOf, usersOf };
}

/** How many people interacted with both of each two of some posts, [n, n]. */
function gramOf(near: number[], usersOf: number[][], postsOf: number[][], places: Int32Array): Float64Array {
  const n = near.length;
  const gram = new Float64Array(n * n);
  for (const [place, post] of near.entries()) places[post] = place;
  for (const user of new Set(near.flatMap((post) => usersOf[post]))) {
    const of: number[] = [];
    for (const post of postsOf[user]) if (places[post] >= 0) of.push(places[post]);
    for (const a of of) for (const b of of) gram[a * n + b]++;
  }
  for (const post of near) places[post] = -1;
  return gram;
}

/** (gram + ridge)⁻¹ · together */
function regression(gram: Float64Array, together: Float64Array): Float64Array {
  const n = together.length;
  for (let i = 0; i < n; i++) gram[i * n + i] += ridge;
  const inverse = invert(gram, n);
  return together.map((_, i) => innerProduct(inverse, i * n, together, 0, n));
}
