import { allHeads } from "../../supabase/functions/_shared/features/kinds.ts";
import type { LoadedCommunity } from "../community/from-database.ts";
import { withHeads } from "../dlrm/optional-heads.ts";
import { pageRequests } from "../dlrm/page-requests.ts";
import type { RankerRequest } from "../dlrm/ranker-request.ts";
import { requestsBetween } from "../dlrm/requests.ts";

/** What happened from an instant on, and before `until`, in the form that a model's ranker learned from. */
export function heldOutOf(
  { community, timeline, pages }: LoadedCommunity,
  from: number,
  ofPages: boolean,
  until = Number.POSITIVE_INFINITY,
): RankerRequest[] {
  if (!ofPages) return requestsBetween(community, timeline, from, until);
  // what nobody did with the last page yet is not a no
  const known = Math.min(until, timeline.at[timeline.length - 1]);
  const requests = pageRequests(pages, timeline, community.posts.ids.length, from, known);
  // in the order of all heads, whatever a model has
  return withHeads(requests, allHeads);
}
