import type { Community } from "./community.ts";

/**
 * The same community with users, posts and interactions renumbered in order of their time; equal times keep their order.
 * Then whatever existed at an instant is a stretch from 0, which is what the evaluation relies on.
 */
export function inOrderOfTime({ users, posts, interactions }: Community): Community {
  const userOrder = orderOf(users.createdAt);
  const postOrder = orderOf(posts.createdAt);
  const order = orderOf(interactions.at);
  const newUser = placesIn(userOrder);
  const newPost = placesIn(postOrder);
  return {
    users: {
      ids: pick(users.ids, userOrder),
      passions: pick(users.passions, userOrder),
      projects: pick(users.projects, userOrder),
      bios: pick(users.bios, userOrder),
      createdAt: Float64Array.from(userOrder, (i) => users.createdAt[i]),
    },
    posts: {
      ids: pick(posts.ids, postOrder),
      authors: Int32Array.from(postOrder, (i) => (posts.authors[i] < 0 ? -1 : newUser[posts.authors[i]])),
      titles: pick(posts.titles, postOrder),
      descriptions: pick(posts.descriptions, postOrder),
      tags: pick(posts.tags, postOrder),
      createdAt: Float64Array.from(postOrder, (i) => posts.createdAt[i]),
    },
    interactions: {
      users: Int32Array.from(order, (i) => newUser[interactions.users[i]]),
      posts: Int32Array.from(order, (i) => newPost[interactions.posts[i]]),
      kinds: Uint8Array.from(order, (i) => interactions.kinds[i]),
      at: Float64Array.from(order, (i) => interactions.at[i]),
    },
  };
}

function orderOf(times: Float64Array): Uint32Array {
  const order = Uint32Array.from(times, (_, i) => i);
  // typed arrays sort stably, too
  return order.sort((a, b) => times[a] - times[b]);
}

function placesIn(order: Uint32Array): Int32Array {
  const places = new Int32Array(order.length);
  for (const [place, i] of order.entries()) places[i] = place;
  return places;
}

function pick<T>(values: T[], order: Uint32Array): T[] {
  return Array.from(order, (i) => values[i]);
}
