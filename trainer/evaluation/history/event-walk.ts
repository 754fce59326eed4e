import { firstRows } from "../../data/replay/columns.ts";
import type { Community } from "../../data/replay/community.ts";
import { countBelow } from "../metrics/statistics.ts";

/** What happens in a community. A text comes with the post that has it, never earlier. */
export type CommunityEvent =
  | { type: "post"; at: number; post: number; user: number; title: string; description: string; tags: string[] }
  | { type: "interaction"; at: number; user: number; post: number; kind: number };

/**
 * Hands out the events of a community (numbered in order of time) as a walk through time reaches them. At equal times posts come before
 * interactions, because an interaction names a post.
 */
export class EventWalk {
  private readonly events: CommunityEvent[];
  /** Where each interaction is among them. */
  private readonly places: number[];
  private handedOut = 0;

  constructor({ posts, interactions }: Community) {
    for (const times of [posts.createdAt, interactions.at])
      if (times.some((at, i) => i > 0 && !(times[i - 1] <= at)))
        throw new Error("The community is not in order of time: use inOrderOfTime().");
    const written = posts.ids.map((_, post): CommunityEvent => {
      const [title, description, tags] = [posts.titles[post], posts.descriptions[post], posts.tags[post]];
      return { type: "post", at: posts.createdAt[post], post, user: posts.authors[post], title, description, tags };
    });
    const { users, posts: touched, kinds } = interactions;
    const done = Array.from(interactions.at, (at, i): CommunityEvent => {
      return { type: "interaction", at, user: users[i], post: touched[i], kind: kinds[i] };
    });
    this.events = [...written, ...done].sort((a, b) => a.at - b.at);
    this.places = [...this.events.keys()].filter((place) => this.events[place].type === "interaction");
  }

  /** Up to the instant just before interaction `next` happens; with next = number of interactions: everything. */
  until(next: number): CommunityEvent[] {
    return this.handOut(this.places[next] ?? this.events.length);
  }

  /** Strictly before an instant. */
  before(instant: number): CommunityEvent[] {
    let end = this.handedOut;
    while (end < this.events.length && this.events[end].at < instant) end++;
    return this.handOut(end);
  }

  private handOut(end: number): CommunityEvent[] {
    const from = this.handedOut;
    this.handedOut = Math.max(from, end);
    return this.events.slice(from, this.handedOut);
  }
}

/**
 * The community as it was just before an instant: posts and interactions from it on are cut off. All users keep their numbers, those who
 * came later with empty profiles, because an interaction may name a user before the profile exists.
 */
export function communityBefore({ users, posts, interactions, ...graph }: Community, instant: number): Community {
  const here = <T>(values: T[], empty: T) =>
    values.map((value, user) => (users.createdAt[user] < instant ? value : empty));
  return {
    users: {
      ...users,
      passions: here<string[]>(users.passions, []),
      projects: here<string[]>(users.projects, []),
      bios: here(users.bios, ""),
    },
    posts: firstRows(posts, countBelow(posts.createdAt, instant)),
    interactions: firstRows(interactions, countBelow(interactions.at, instant)),
    // with their times, which readers use
    ...graph,
  };
}
