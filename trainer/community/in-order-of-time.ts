import { pickRows } from "./columns.ts";
import type { Community, Interactions } from "./community.ts";
import { markFirst } from "./first-interactions.ts";

/** A community whose interactions are not in order yet, so that nobody knows which are first. */
type Unordered = Omit<Community, "interactions"> & { interactions: Omit<Interactions, "first"> };

/**
 * The same community with users, posts and interactions renumbered in order of their time; equal times keep their order.
 * What existed at an instant then has the numbers from 0 to some last one, which is what the evaluation relies on.
 */
export function inOrderOfTime({ users, posts, interactions }: Unordered): Community {
  const userOrder = orderOf(users.createdAt);
  const postOrder = orderOf(posts.createdAt);
  const newUser = ranksIn(userOrder);
  const newPost = ranksIn(postOrder);
  const ordered = pickRows(interactions, orderOf(interactions.at));
  const renumbered = {
    ...ordered,
    users: ordered.users.map((user) => newUser[user]),
    posts: ordered.posts.map((post) => newPost[post]),
  };
  return {
    users: pickRows(users, userOrder),
    posts: {
      ...pickRows(posts, postOrder),
      authors: Int32Array.from(postOrder, (i) => (posts.authors[i] < 0 ? -1 : newUser[posts.authors[i]])),
    },
    interactions: { ...renumbered, first: markFirst(renumbered, posts.ids.length) },
  };
}

function orderOf(times: Float64Array): Uint32Array {
  const order = Uint32Array.from(times, (_, i) => i);
  // typed arrays sort stably, too
  return order.sort((a, b) => times[a] - times[b]);
}

function ranksIn(order: Uint32Array): Int32Array {
  const ranks = new Int32Array(order.length);
  for (const [rank, i] of order.entries()) ranks[i] = rank;
  return ranks;
}
