import type { Community } from "../data/replay/community.ts";
import { inOrderOfTime } from "../data/replay/testing-bundle.ts";
import { EventWalk } from "./history/event-walk.ts";
import type { Recommender } from "./protocols/recommender.ts";

export const hour = 3_600_000;

/** A community for a test: times in hours, `posts` as [author, created, title], `interactions` as [user, post, hour]. */
export function smallCommunity(
  users: number,
  posts: [author: number, createdAt: number, title?: string][],
  interactions: [user: number, post: number, at: number][],
): Community {
  const ids = Array.from({ length: users }, (_, user) => `user ${user}`);
  return inOrderOfTime({
    users: {
      ids,
      passions: ids.map(() => []),
      projects: ids.map(() => []),
      bios: ids.map(() => ""),
      createdAt: new Float64Array(users),
    },
    posts: {
      ids: posts.map((_, post) => `post ${post}`),
      authors: Int32Array.from(posts, ([author]) => author),
      titles: posts.map(([, , title]) => title ?? ""),
      descriptions: posts.map(() => ""),
      tags: posts.map(() => []),
      createdAt: Float64Array.from(posts, ([, createdAt]) => createdAt * hour),
    },
    interactions: {
      users: Int32Array.from(interactions, ([user]) => user),
      posts: Int32Array.from(interactions, ([, post]) => post),
      kinds: new Uint8Array(interactions.length),
      at: Float64Array.from(interactions, ([, , at]) => at * hour),
    },
  });
}

/** Lets a recommender observe a community up to an hour and trains it on all of it; its scores for a user at that hour. */
export async function scoresAfter(
  community: Community,
  recommender: Recommender,
  user: number,
  at: number,
): Promise<number[]> {
  for (const event of new EventWalk(community).before(at * hour)) recommender.observe(event);
  await recommender.train?.({ community, testFrom: at * hour });
  const out = new Float64Array(community.posts.ids.length);
  await recommender.scores(user, at * hour, out);
  return [...out];
}

export function sizesOf({ users, posts }: Community): { users: number; posts: number } {
  return { users: users.ids.length, posts: posts.ids.length };
}
