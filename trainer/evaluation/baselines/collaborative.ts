/** Baselines that know nothing but who has interacted with what. */
import { innerProduct } from "../../../supabase/functions/_shared/features/inner-product.ts";
import { type AlsOptions, type Factors, factorise, gramOf, solveRow } from "../../models/nn/implicit-als.ts";
import { invert } from "../../models/nn/minimise.ts";
import type { CommunityEvent } from "../history/event-walk.ts";
import type { Recommender, Sizes } from "../protocols/recommender.ts";

/**
 * The latest posts of a user that the neighbourhood baselines use in a replay: with this length item kNN agrees with an independent
 * implementation (recall@20 0.174 and 0.173; whole history 0.048, 50 posts 0.126). Shorter scores higher, but only by "newest first".
 */
export const latest = 32;

/**
 * Who has interacted with what so far: the distinct (user, post) pairs in both directions. An author's own posts count as
 * such, because writing a post says as much about taste as interacting with one.
 */
export function interactedPairs({ users, posts }: Sizes) {
  const postsOf = Array.from({ length: users }, (): number[] => []);
  const usersOf = Array.from({ length: posts }, (): number[] => []);
  const seen = Array.from({ length: users }, () => new Set<number>());
  const observe = (event: CommunityEvent) => {
    if (event.user < 0 || seen[event.user].has(event.post)) return;
    seen[event.user].add(event.post);
    postsOf[event.user].push(event.post);
    usersOf[event.post].push(event.user);
  };
  return { postsOf, usersOf, observe };
}

/**
 * Item kNN over users: a post scores Σ over the user's latest posts j of |Uᵢ ∩ Uⱼ| / √(|Uᵢ| |Uⱼ|), U the users who
 * interacted with a post in training. Instead of any similarity matrix the sum is taken by neighbour: w(v) = Σ 1/√|Uⱼ| over the
 * posts j shared with v, then score(i) = Σ w(v) / √|Uᵢ| over v in Uᵢ, so one list costs two walks over the pairs.
 */
export function itemKnn(sizes: Sizes, history = latest): Recommender {
  const pairs = interactedPairs(sizes);
  /** As of the training. */
  let usersOf: number[][] = [];
  const weights = new Float64Array(sizes.users);
  return {
    name: "item kNN",
    observe: pairs.observe,
    train() {
      usersOf = pairs.usersOf.map((users) => [...users]);
    },
    scores(user, _at, out) {
      weights.fill(0);
      for (const post of pairs.postsOf[user].slice(-history)) {
        const weight = 1 / Math.sqrt(usersOf[post].length);
        for (const neighbour of usersOf[post]) weights[neighbour] += weight;
      }
      for (let post = 0; post < out.length; post++) {
        let sum = 0;
        for (const neighbour of usersOf[post]) sum += weights[neighbour];
        out[post] = sum === 0 ? 0 : sum / Math.sqrt(usersOf[post].length);
      }
    },
  };
}

/** Only this many of the most popular posts take part in EASE: the time grows with the cube of their number (2,000: about 4 s). */
const mostPosts = 2000;

/**
 * EASE (Steck, WWW'19): the linear item-item model with no self-similarity that fits all users' rows best.
 * G = XᵀX + λI, P = G⁻¹, B = −P / diag(P) with diagonal 0; a user's scores are the sum of B's rows over their posts.
 */
export function ease(sizes: Sizes, lambda = 300): Recommender {
  const { usersOf, postsOf, observe } = interactedPairs(sizes);
  let posts: number[] = [];
  /** Column of a post in B, −1 where it is left out. */
  const columns = new Int32Array(sizes.posts).fill(-1);
  let weights: Float64Array = new Float64Array();
  return {
    name: "EASE",
    observe,
    train() {
      posts = [...usersOf.keys()].filter((post) => usersOf[post].length > 0);
      posts = posts.sort((a, b) => usersOf[b].length - usersOf[a].length).slice(0, mostPosts);
      for (const [column, post] of posts.entries()) columns[post] = column;
      const n = posts.length;
      const gram = new Float64Array(n * n);
      for (const posts of postsOf) {
        const of = posts.map((post) => columns[post]).filter((column) => column >= 0);
        for (const i of of) for (const j of of) gram[i * n + j]++;
      }
      for (let i = 0; i < n; i++) gram[i * n + i] += lambda;
      weights = invert(gram, n);
      const diagonal = Float64Array.from({ length: n }, (_, i) => weights[i * n + i]);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) weights[i * n + j] = i === j ? 0 : -weights[i * n + j] / diagonal[j];
      }
    },
    scores(user, _at, out) {
      const n = posts.length;
      const sums = new Float64Array(n);
      for (const post of postsOf[user]) {
        const row = columns[post] * n;
        if (row >= 0) for (let j = 0; j < n; j++) sums[j] += weights[row + j];
      }
      out.fill(0);
      for (const [column, post] of posts.entries()) out[post] = sums[column];
    },
  };
}

/** Implicit ALS: a user's vector is solved again from their posts at each list, the posts' stay as trained. */
export function als(
  sizes: Sizes,
  { factors = 128, regularisation, iterations = 60 }: Partial<AlsOptions> = {},
): Recommender {
  const { usersOf, postsOf, observe } = interactedPairs(sizes);
  let found: Factors = { users: new Float64Array(), posts: new Float64Array() };
  let gram: Float64Array = new Float64Array();
  return {
    name: `implicit ALS ${factors}`,
    observe,
    train() {
      found = factorise({ postsOf, usersOf }, { factors, regularisation, iterations });
      gram = gramOf(found.posts, factors, regularisation);
    },
    scores(user, _at, out) {
      const x = found.users.slice(user * factors, (user + 1) * factors);
      solveRow(x, gram, found.posts, postsOf[user], 10);
      for (let post = 0; post < out.length; post++)
        out[post] = innerProduct(x, 0, found.posts, post * factors, factors);
    },
  };
}
