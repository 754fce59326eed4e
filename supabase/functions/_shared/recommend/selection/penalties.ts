/** What speaks against a candidate once others stand on the page: it is like one of them, of the same author, or of a circle, topic or group that has its share. */
import { dimensions } from "../../features/history.ts";
import { innerProduct } from "../../features/inner-product.ts";
import type { Penalty, Selectable } from "./selectable.ts";

/**
 * Maximal marginal relevance (Carbonell and Goldstein, 1998), subtracted from the logarithm of the score, so that its scale is independent
 * of it: at `diversity` 0.5 a post with the vector of one above it needs 1.65 times the score of one that resembles none above it.
 */
export function diversityPenalty(pool: Selectable[], diversity: number): Penalty {
  const nearest = new Float64Array(pool.length);
  // side by side, since each is read once for each place of the page; zeros are like nothing
  const vectors = new Float32Array(pool.length * dimensions);
  for (const [i, { post }] of pool.entries()) if (post.embedding) vectors.set(post.embedding, i * dimensions);
  return ({ post: { embedding } }, values) => {
    if (embedding === null) return;
    for (let i = 0; i < values.length; i++) {
      // taken, or worth nothing
      if (values[i] === Number.NEGATIVE_INFINITY) continue;
      const cosine = innerProduct(embedding, 0, vectors, i * dimensions, dimensions);
      if (cosine <= nearest[i]) continue;
      values[i] -= diversity * (cosine - nearest[i]);
      nearest[i] = cosine;
    }
  };
}

/**
 * Subtracts −log(decay) for each chosen post of the author, and puts them behind all others after a tenth of `limit` places,
 * at least two. With the decay alone an author of a thousand posts had every place of the feeds of 60 people.
 */
export function authorRepetitionPenalty(pool: Selectable[], decay: number, limit: number): Penalty {
  const loss = -Math.log(decay);
  const most = Math.max(2, Math.floor(limit / 10));
  return ofGroups(
    pool,
    ({ author_id }) => author_id,
    (has) => (has === most ? loss + behind : loss),
  );
}

/**
 * A closed circle must not fill a page: once a twentieth of `limit` places is of such authors, one place at least, what they wrote is behind all
 * others. Where there are no others, the page is as it would be.
 */
export function closedCirclePenalty(pool: Selectable[], limit: number): Penalty {
  const most = Math.max(1, Math.floor(limit / 20));
  return ofGroups(
    pool,
    ({ of_circle }) => of_circle || null,
    (has) => (has === most ? behind : 0),
  );
}

/**
 * Limits posts of newcomers to `most` places of a page. Further ones rank behind all others, so the page stays full. Without a limit one post of a
 * new account was in each feed of 60 people, and ten accounts had all places.
 */
export function fullOfNewcomers(pool: Selectable[], most: number, values: Float64Array): Penalty {
  if (most < 1) for (let i = 0; i < pool.length; i++) if (isNewcomers(pool[i])) values[i] -= behind;
  return ofGroups(
    pool,
    ({ standing }) => standing === "newcomer" || null,
    (has) => (has === most ? behind : 0),
  );
}

const isNewcomers = ({ post }: Pick<Selectable, "post">) => post.standing === "newcomer";

/**
 * An unproven author with more candidates than this takes no first place. With 1, small communities lose 0.006 of
 * MRR (docs/research/experiments.md#newcomers-in-small-communities).
 */
const mostForFirst = 4;

/**
 * Limits an unproven author to one post per page, and keeps it off the first place if many of their posts are candidates: the best of many noisy
 * scores would win it. 200 posts of one account had 10 % of the places of 60 people and were first in 56 feeds.
 */
export function unproven(
  pool: Selectable[],
  unprovenAuthor: UnprovenAuthor,
  values: Float64Array,
  beginsFeed: boolean,
): Penalty {
  const one = ofGroups(pool, unprovenAuthor, (has) => (has === 1 ? behind : 0));
  if (!beginsFeed) return one;
  const posts = new Map<string | null, number>();
  for (const { post } of pool) posts.set(unprovenAuthor(post), (posts.get(unprovenAuthor(post)) ?? 0) + 1);
  const original = values.slice();
  const waits = ({ post }: Selectable) =>
    unprovenAuthor(post) !== null && (posts.get(unprovenAuthor(post)) ?? 0) > mostForFirst;
  for (let i = 0; i < pool.length; i++) if (waits(pool[i])) values[i] -= behind;
  let isFirst = true;
  return (chosen, left) => {
    if (isFirst)
      for (let i = 0; i < pool.length; i++)
        if (waits(pool[i]) && left[i] !== Number.NEGATIVE_INFINITY) left[i] = original[i];
    isFirst = false;
    one(chosen, left);
  };
}

/** Returns the author of a post if they are unproven, else null. */
export type UnprovenAuthor = (post: Selectable["post"]) => string | null;

/** Treats every author as proven if most authors of these candidates are unproven, as in a new community. */
export function unprovenAuthorOf(posts: Selectable[]): UnprovenAuthor {
  const authors = { proven: new Set<string | null>(), unproven: new Set<string | null>() };
  for (const { post } of posts) authors[post.standing ? "unproven" : "proven"].add(post.author_id);
  if (authors.proven.size < authors.unproven.size) return () => null;
  return ({ standing, author_id }) => (standing ? author_id : null);
}

/** In logarithms of scores; behind any of another topic or author, and before what is worth nothing at all. */
const behind = 1e6;

/**
 * Limits a topic's or group's places on a page to `share` of `limit`, at least one; further posts come behind all others, so the page stays
 * full. Diversity and author_decay do not do so: similar vectors rarely are all of one topic. Posts without a group are not counted.
 */
export function groupCapPenalty(
  pool: Selectable[],
  share: number,
  limit: number,
  groupOf: (post: Selectable["post"]) => number | string | null | undefined,
): Penalty {
  const most = maxPositions(share, limit);
  return ofGroups(pool, groupOf, (has) => (has === most ? behind : 0));
}

/** How many places of `limit` a share is. 0.3 of 10 are 3, though as a number of 32 bits 0.3 times 10 is a little more or less. */
export function maxPositions(share: number, limit: number): number {
  return Math.max(1, Math.floor(share * limit + 1e-4));
}

/** What the others of a chosen post's group lose, by how many of the group the page now has. Posts of no group lose nothing. */
function ofGroups<Group>(
  pool: Selectable[],
  groupOf: (post: Selectable["post"]) => Group | null | undefined,
  loss: (has: number) => number,
): Penalty {
  const places = new Map<Group, number>();
  return ({ post }, values) => {
    const group = groupOf(post);
    if (group === null || group === undefined) return;
    const has = (places.get(group) ?? 0) + 1;
    places.set(group, has);
    const lost = loss(has);
    if (lost === 0) return;
    for (let i = 0; i < values.length; i++) if (groupOf(pool[i].post) === group) values[i] -= lost;
  };
}
