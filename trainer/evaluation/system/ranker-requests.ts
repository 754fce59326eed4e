/** Finds the request of each replayed event, for its labels. */
import type { LoadedCommunity } from "../../community/from-database.ts";
import { type Request, requestsBetween } from "../../dlrm/requests.ts";

/** The requests of some first interactions, in their order. */
export function requestsOf(
  { community, timeline }: LoadedCommunity,
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
