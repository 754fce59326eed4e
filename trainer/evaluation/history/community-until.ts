import { firstRows } from "../../community/columns.ts";
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
      ...users,
      passions: here<string[]>(users.passions, []),
      projects: here<string[]>(users.projects, []),
      bios: here(users.bios, ""),
    },
    posts: firstRows(posts, clock.posts),
    interactions: firstRows(interactions, clock.interactions),
  };
}

/** The community as it was just before an instant: what an evaluation of its early days runs on. */
export function communityBefore(community: Community, instant: number): Community {
  const walk = new EventWalk(community);
  walk.before(instant);
  return communityUntil(community, walk.clock);
}
