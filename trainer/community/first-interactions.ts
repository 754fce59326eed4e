import type { Community } from "./community.ts";

/** A first interaction: the moment at which a recommender is asked. */
export interface FirstInteraction {
  /** Its place in the community's interactions. */
  index: number;
  /** No interaction and no own post before. */
  cold: boolean;
}

/**
 * The first (user, post) interactions from an instant on that are not on the user's own post, in order of time
 * (equal times keep file order). Interactions on a post that did not exist yet are none.
 */
export function firstInteractions({ interactions, posts, users }: Community, from: number): FirstInteraction[] {
  const interacted = Array.from(users.ids, () => new Set<number>());
  const firstPostAt = new Float64Array(users.ids.length).fill(Number.POSITIVE_INFINITY);
  for (const [post, author] of posts.authors.entries()) {
    if (author >= 0) firstPostAt[author] = Math.min(firstPostAt[author], posts.createdAt[post]);
  }
  const found: FirstInteraction[] = [];
  for (let index = 0; index < interactions.at.length; index++) {
    const user = interactions.users[index];
    const post = interactions.posts[index];
    const at = interactions.at[index];
    const history = interacted[user];
    const asks = at >= from && !history.has(post) && posts.authors[post] !== user && posts.createdAt[post] <= at;
    if (asks) found.push({ index, cold: history.size === 0 && firstPostAt[user] > at });
    history.add(post);
  }
  return found;
}
