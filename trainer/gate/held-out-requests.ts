import { allHeads } from "../../supabase/functions/_shared/features/kinds.ts";
import type { LoadedCommunity } from "../community/from-database.ts";
import type { RankerRequest } from "../dlrm/examples.ts";
import { withHeads } from "../dlrm/optional-heads.ts";
import { pageRequests } from "../dlrm/page-requests.ts";
import { requestsBetween } from "../dlrm/requests.ts";

/** What happened from an instant on, in the form that a model's ranker learned from. */
export function heldOutOf(
  { community, timeline, pages }: LoadedCommunity,
  from: number,
  ofPages: boolean,
): RankerRequest[] {
  if (!ofPages) return requestsBetween(community, timeline, from, Number.POSITIVE_INFINITY);
  const requests = pageRequests(pages, timeline, community.posts.ids.length, from, timeline.at[timeline.length - 1]);
  // in the order of all heads, whatever a model has
  return withHeads(requests, allHeads);
}
