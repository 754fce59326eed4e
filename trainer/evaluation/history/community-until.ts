import type { Community } from "../../community/community.ts";
import { type Clock, EventWalk } from "./event-walk.ts";

/**
 * The community as far as the clock has come: posts and interactions after it are cut off. All users keep their numbers,
 * those who came later with empty profiles, because an interaction may name a user before the profile exists.
 */
export function communityUntil({ users, posts, interactions }: Community, clock: Clock): Community {
  const here = <T>(values: T[], empty: T) => values.map((value, user) => (user < clock.users ? value : empty));
  return {
    users: {
      ids: users.ids,
      passions: here<string[]>(users.passions, []),
      projects: here<string[]>(users.projects, []),
      bios: here(users.bios, ""),
      createdAt: users.createdAt,
    },
    posts: {
      ids: posts.ids.slice(0, clock.posts),
      authors: posts.authors.slice(0, clock.posts),
      titles: posts.titles.slice(0, clock.posts),
      descriptions: posts.descriptions.slice(0, clock.posts),
      tags: posts.tags.slice(0, clock.posts),
      createdAt: posts.createdAt.slice(0, clock.posts),
    },
    interactions: {
      users: interactions.users.slice(0, clock.interactions),
      posts: interactions.posts.slice(0, clock.interactions),
      kinds: interactions.kinds.slice(0, clock.interactions),
      at: interactions.at.slice(0, clock.interactions),
    },
  };
}

/** The community as it was just before an instant: what an evaluation of its early days runs on. */
export function communityBefore(community: Community, instant: number): Community {
  const walk = new EventWalk(community);
  walk.before(instant);
  return communityUntil(community, walk.clock);
}
