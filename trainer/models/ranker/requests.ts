/**
 * The requests the ranker learns from: a request is the moment at which a user interacted with a post for the first
 * time.
 */
import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import type { Community } from "../../data/replay/community.ts";
import { firstInteractions } from "../../data/replay/first-interactions.ts";
import { login, type Timeline } from "../../data/replay/timeline.ts";
import { countBelow } from "../../evaluation/metrics/statistics.ts";

/** A request's time: `event` is the number of the first event in the timeline that was not before it. */
export interface Moment {
  event: number;
  user: number;
  at: number;
}

/** What a user did with a post within the label window. */
export interface LabelledDeeds {
  /** View, vote, comment. */
  labels: Labels;
  /** How much each counts compared with others of its kind, the heaviest where there were several; left out: 1. */
  weights?: DeedWeights | undefined;
}
type DeedWeights = [view: number, vote: number, comment: number];

/** A first interaction. */
export interface Request extends Moment, LabelledDeeds {
  post: number;
}

/** A later first interaction, by which what was learned before it is judged. */
export type LaterRequest = Pick<Request, "event" | "user" | "post" | "at">;

/** 1 where the user did that: the kinds of interaction, and of a page the optional heads of its training after them. */
export type Labels = [view: number, vote: number, comment: number, ...optional: number[]];

/** The label of an optional head that does not count: unknown, or beyond its user's share. */
export const unknown = 2;

/** Notes that the user did something: a number of `kinds`, and its weight. */
export function addDeed(deeds: LabelledDeeds, kind: number, weight: number): void {
  const before = deeds.labels[kind] === 1 ? (deeds.weights?.[kind] ?? 1) : 0;
  deeds.labels[kind] = 1;
  const heaviest = Math.max(before, weight);
  // nearly always: nothing but 1
  if (heaviest === 1 && !deeds.weights) return;
  deeds.weights ??= [1, 1, 1];
  deeds.weights[kind] = heaviest;
}

/** Whether the user interacted with the post, whatever else they did. */
export function hasEngaged([view, vote, comment]: Labels): boolean {
  return view === 1 || vote === 1 || comment === 1;
}

/**
 * A request's labels are what happened within a day of it. The evaluation's labels are made here too, so this is not among
 * the hyperparameters of train.ts. Not tuned.
 */
export const labelWindow = 24 * hour;

/** The number of the first event at or after an instant. */
export function firstEventFrom({ at, wholeFrom, length }: Timeline, instant: number): number {
  return wholeFrom + countBelow(at.subarray(wholeFrom, length), instant);
}

/** The requests of all first interactions with `from` ≤ time < `until`, in order of time. */
export function requestsBetween(community: Community, timeline: Timeline, from: number, until: number): Request[] {
  const interactions = firstInteractionEvents(community, timeline, until);
  return requestsAt(
    timeline,
    interactions.filter((event) => timeline.at[event] >= from),
    until,
  );
}

/** Numbers of the events before an instant that are first interactions, as far as the timeline is whole, but for what was promoted. */
export function firstInteractionEvents({ posts, pushed }: Community, timeline: Timeline, until: number): Uint32Array {
  const events = firstInteractions(posts, timeline, { start: timeline.wholeFrom, end: timeline.length });
  const isPushed = (event: number) => pushed?.has(timeline.users[event] * posts.ids.length + timeline.posts[event]);
  return events.filter((event) => timeline.at[event] < until && !isPushed(event));
}

/** The requests of some first interactions (numbers of events, ascending), labelled by what happened before `until`. */
export function requestsAt(timeline: Timeline, interactions: Uint32Array, until: number): Request[] {
  const pairOf = (event: number) => `${timeline.users[event]} ${timeline.posts[event]}`;
  const open = new Map<string, Request>();
  const requests = Array.from(interactions, (event): Request => {
    const request: Request = {
      event: firstEventFrom(timeline, timeline.at[event]),
      user: timeline.users[event],
      post: timeline.posts[event],
      at: timeline.at[event],
      labels: [0, 0, 0],
    };
    open.set(pairOf(event), request);
    return request;
  });
  const last = (requests.at(-1)?.at ?? 0) + labelWindow;
  const end = timeline.length;
  for (let event = interactions[0]; event < end && timeline.at[event] < until && timeline.at[event] <= last; event++) {
    if (timeline.kinds[event] === login) continue;
    const request = open.get(pairOf(event));
    if (request && timeline.at[event] <= request.at + labelWindow)
      addDeed(request, timeline.kinds[event], timeline.weights[event]);
  }
  return requests;
}

/** The requests of some first interactions from an instant on, in their order. */
export function requestsOf(
  { community, timeline }: { community: Community; timeline: Timeline },
  events: { user: number; post: number }[],
  from: number,
): Request[] {
  const posts = community.posts.ids.length;
  const requests = requestsBetween(community, timeline, from, Number.POSITIVE_INFINITY);
  const byPair = new Map(requests.map((request) => [request.user * posts + request.post, request]));
  return events.map(({ user, post }) => {
    const request = byPair.get(user * posts + post);
    if (!request)
      throw new Error(`post ${community.posts.ids[post]} has no interaction of user ${community.users.ids[user]}`);
    return request;
  });
}
