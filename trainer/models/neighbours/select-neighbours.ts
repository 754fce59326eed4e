/**
 * Whether a model gets neighbours of posts: only where they surely find more than a feed without. A small community's new model lost its gate by them
 * (R@20 0.474 instead of 0.499, 115 requests). They are judged at later first interactions against recency baseline and popularity.
 */
import { hour } from "../../../supabase/functions/_shared/features/hours.ts";
import { recencyBaseline } from "../../../supabase/functions/_shared/features/recency-baseline.ts";
import type { LoadedCommunity } from "../../data/replay/from-database.ts";
import { covisitedBy, type Neighbours } from "../../data/replay/neighbours.ts";
import { CommunityState } from "../../data/replay/state.ts";
import { evenlySpread } from "../nn/evenly-spread.ts";
import type { BipartiteInteractions } from "../nn/implicit-als.ts";
import { firstInteractionEvents, type LaterRequest } from "../ranker/requests.ts";
import { learnNeighbours, toBipartite } from "./learn-neighbours.ts";

/** Later first interactions that are asked at most, evenly spread. MovieLens in its own times has +16 of 40 there, which is enough. */
const mostAsked = 500;
/** How far down a list a post is looked for. */
const length = 20;

/** Learns neighbours from first interactions (event numbers, ascending) of known people before an instant. */
export function neighboursUntil(loaded: LoadedCommunity, interactions: Uint32Array, until: number): Neighbours {
  return learnNeighbours(interactionsUntil(loaded, ofKnownPeople(loaded, interactions, until), until));
}

/** The same; undefined: they do not surely find more of some later first interactions. */
export function neighboursIfUseful(
  loaded: LoadedCommunity,
  interactions: Uint32Array,
  until: number,
  later: LaterRequest[],
): Neighbours | undefined {
  const learned = neighboursUntil(loaded, interactions, until);
  return findMore(loaded, learned, later) ? learned : undefined;
}

/**
 * The interactions of people who first interacted with any post a day before the instant or earlier
 * (docs/design/counted-interactions.md): nine accounts of an hour and one other user would be ten people.
 */
function ofKnownPeople({ timeline }: LoadedCommunity, interactions: Uint32Array, until: number): Uint32Array {
  const { at, users, posts, changesPost, length, wholeFrom } = timeline;
  const instant = length > 0 ? Math.min(until, at[length - 1]) : until;
  const known = new Set<number>();
  for (let event = 0; event < length && at[event] <= instant - 24 * hour; event++)
    // of the time before a bounded timeline nothing more is said
    if (posts[event] >= 0 && (event < wholeFrom || changesPost[event] === 1)) known.add(users[event]);
  return interactions.filter((event) => known.has(users[event]));
}

/** The interaction matrix of first interactions before an instant. */
export function interactionsUntil(
  { community, timeline }: LoadedCommunity,
  interactions: Uint32Array,
  until: number,
): BipartiteInteractions {
  const before = interactions.filter((event) => timeline.at[event] < until);
  const pairs = {
    users: Int32Array.from(before, (event) => timeline.users[event]),
    posts: Int32Array.from(before, (event) => timeline.posts[event]),
  };
  return toBipartite(pairs, { users: community.users.ids.length, posts: community.posts.ids.length });
}

/** Whether neighbours have more of some later first interactions among their first posts than either of the simple lists, by two standard errors. Only people for whom they find anything count. */
export function findMore(
  { community, timeline }: LoadedCommunity,
  neighbours: Neighbours,
  later: LaterRequest[],
): boolean {
  const state = new CommunityState(community, timeline);
  const all = firstInteractionEvents(community, timeline, Number.POSITIVE_INFINITY);
  const popular = new Int32Array(community.posts.ids.length);
  let counted = 0;
  /** In how many of the lists that differ it is in ours, and in the other's. */
  const only = { recency: [0, 0], popularity: [0, 0] };
  for (const { event, user, post, at } of evenlySpread(later, mostAsked)) {
    state.advance(event, at);
    for (; counted < all.length && all[counted] < event; counted++) popular[timeline.posts[all[counted]]]++;
    const found = covisitedBy(user, neighbours, state);
    // for a new user they say nothing, and take no place in a feed
    if (found.length === 0) continue;
    const known = new Set(state.leftOut(user));
    const eligible = (each: number) => each === post || !known.has(each);
    /** Behind all others that score the same. */
    const isAmongFirst = (score: (post: number) => number) => {
      const least = score(post);
      let before = 0;
      for (let each = 0; each < state.alive && before < length; each++)
        if (each !== post && eligible(each) && score(each) >= least) before++;
      return before < length;
    };
    const recency = (each: number) => {
      const { created_at, last_active_at } = state.times(each);
      return recencyBaseline(created_at, last_active_at, at);
    };
    const ours = found.filter(eligible).slice(0, length).includes(post);
    for (const [name, theirs] of [
      ["recency", isAmongFirst(recency)],
      ["popularity", isAmongFirst((each) => popular[each])],
    ] as const)
      if (ours !== theirs) only[name][ours ? 0 : 1]++;
  }
  return Object.values(only).every(([ours, theirs]) => ours - theirs > 2 * Math.sqrt(ours + theirs));
}
