/** The requests the ranker learns from where pages were logged: what was shown, and what came of it. */

import type { OptionalHeadLabels, ShownPage } from "../../data/replay/pages.ts";
import { login, type Timeline } from "../../data/replay/timeline.ts";
import {
  addDeed,
  firstEventFrom,
  hasEngaged,
  type LabelledDeeds,
  labelWindow,
  type Moment,
  type Request,
} from "./requests.ts";

/** A post of a page, and what the user did with it within the label window. */
interface PagePost extends LabelledDeeds {
  post: number;
  /** From 1. */
  position: number;
  /** The optional heads' labels; left out: unknown. */
  told?: OptionalHeadLabels | undefined;
}

/** A page, without the posts its user had interacted with before. */
export interface PageRequest extends Moment {
  shown: PagePost[];
}

/**
 * The requests of pages with `from` ≤ time, in order of time. A missing action tells nothing before the label window
 * is over, so pages shown less than that before `until` wait for a later training.
 */
export function pageRequests(
  pages: ShownPage[],
  timeline: Timeline,
  posts: number,
  from: number,
  until: number,
): PageRequest[] {
  const chosen = pages.filter(({ at }) => at >= from && at + labelWindow < until);
  const acts = new Map<number, { at: number; kind: number; weight: number }[]>();
  for (const { user, posts: shown } of chosen) for (const post of shown) acts.set(user * posts + post, []);
  for (let event = 0; event < timeline.length && timeline.at[event] < until; event++)
    if (timeline.kinds[event] !== login)
      acts.get(timeline.users[event] * posts + timeline.posts[event])?.push({
        at: timeline.at[event],
        kind: timeline.kinds[event],
        weight: timeline.weights[event],
      });
  return chosen.flatMap(({ user, at, posts: shown, positions, told }): PageRequest[] => {
    const request: PageRequest = { event: firstEventFrom(timeline, at), user, at, shown: [] };
    for (const [i, post] of shown.entries()) {
      const done = acts.get(user * posts + post) ?? [];
      if (done.some((act) => act.at < at)) continue;
      const deeds: LabelledDeeds = { labels: [0, 0, 0] };
      for (const act of done) if (act.at <= at + labelWindow) addDeed(deeds, act.kind, act.weight);
      request.shown.push({ post, position: positions[i], ...deeds, ...(told && { told: told[i] }) });
    }
    return request.shown.length > 0 ? [request] : [];
  });
}

/** Whether something came of a page. */
export function hasEngagedPost({ shown }: PageRequest): boolean {
  return shown.some(({ labels }) => hasEngaged(labels));
}

/** What the ranker learns from: a first interaction, or a page. */
export type RankerRequest = Request | PageRequest;
