import { firstRows } from "../../community/columns.ts";
import type { Community } from "../../community/community.ts";

/** What happens in a community, in order of time. A text comes with the event that made it, never earlier. */
export type CommunityEvent =
  | { type: "user"; at: number; user: number; passions: string[]; projects: string[]; bio: string }
  | { type: "post"; at: number; post: number; user: number; title: string; description: string; tags: string[] }
  | { type: "interaction"; at: number; user: number; post: number; kind: number };

/** How far a walk has come: how many users, posts and interactions were handed out. */
interface Clock {
  users: number;
  posts: number;
  interactions: number;
}

/**
 * Walks through the history of a community (numbered in order of time) and hands out its events. At equal times users come
 * before posts and posts before interactions, because a post names its author, and an interaction both.
 */
export class EventWalk {
  readonly clock: Clock = { users: 0, posts: 0, interactions: 0 };
  private readonly community: Community;

  constructor(community: Community) {
    for (const times of [community.users.createdAt, community.posts.createdAt, community.interactions.at]) {
      for (let i = 1; i < times.length; i++) {
        if (!(times[i - 1] <= times[i])) throw new Error("The community is not in order of time: use inOrderOfTime().");
      }
    }
    this.community = community;
  }

  /**
   * Events up to the instant just before interaction `next` happens: every interaction before it, and the users and posts
   * created at or before its time. With next = number of interactions: everything.
   */
  until(next: number): CommunityEvent[] {
    const { at } = this.community.interactions;
    const events = this.interactionsUntil(Math.min(next, at.length));
    const now = next < at.length ? at[next] : Number.POSITIVE_INFINITY;
    this.creations(events, (time) => time <= now);
    return events;
  }

  /** Events strictly before an instant. */
  before(instant: number): CommunityEvent[] {
    const { at } = this.community.interactions;
    let next = this.clock.interactions;
    while (next < at.length && at[next] < instant) next++;
    const events = this.interactionsUntil(next);
    this.creations(events, (time) => time < instant);
    return events;
  }

  private interactionsUntil(next: number): CommunityEvent[] {
    const { users, posts, kinds, at } = this.community.interactions;
    const events: CommunityEvent[] = [];
    for (; this.clock.interactions < next; this.clock.interactions++) {
      const i = this.clock.interactions;
      this.creations(events, (time) => time <= at[i]);
      events.push({ type: "interaction", at: at[i], user: users[i], post: posts[i], kind: kinds[i] });
    }
    return events;
  }

  private creations(events: CommunityEvent[], due: (time: number) => boolean): void {
    const { users, posts } = this.community;
    const { clock } = this;
    for (;;) {
      const userDue = clock.users < users.ids.length && due(users.createdAt[clock.users]);
      const postDue = clock.posts < posts.ids.length && due(posts.createdAt[clock.posts]);
      if (!userDue && !postDue) return;
      if (userDue && !(postDue && posts.createdAt[clock.posts] < users.createdAt[clock.users])) {
        const user = clock.users++;
        const [passions, projects, bio] = [users.passions[user], users.projects[user], users.bios[user]];
        events.push({ type: "user", at: users.createdAt[user], user, passions, projects, bio });
      } else {
        const post = clock.posts++;
        const [title, description, tags] = [posts.titles[post], posts.descriptions[post], posts.tags[post]];
        events.push({
          type: "post",
          at: posts.createdAt[post],
          post,
          user: posts.authors[post],
          title,
          description,
          tags,
        });
      }
    }
  }
}

/**
 * The community as far as the clock has come: posts and interactions after it are cut off. All users keep their numbers,
 * those who came later with empty profiles, because an interaction may name a user before the profile exists.
 */
export function communityUntil({ users, posts, interactions, ...graph }: Community, clock: Clock): Community {
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
    // with their times, by which whoever reads them goes
    ...graph,
  };
}

/** The community as it was just before an instant: what an evaluation of its early days runs on. */
export function communityBefore(community: Community, instant: number): Community {
  const walk = new EventWalk(community);
  walk.before(instant);
  return communityUntil(community, walk.clock);
}
