/** `POST /recommend {limit?, mode?, after?, filter?}` or `GET /recommend?limit=&mode=&after=`: a page of the caller's personal feed. */
import type { UserFunction } from "../_shared/http/edge-function.ts";
import { nothingServed } from "../_shared/recommend/cursor.ts";
import { feedOf } from "../_shared/recommend/ladder.ts";
import { type FeedRequest, requestOfBody, requestOfQuery } from "./request.ts";

export const recommendFunction: UserFunction<FeedRequest> = {
  name: "recommend",
  callers: "users",
  maximumBodyBytes: 16 * 1024,
  read: { POST: requestOfBody, GET: requestOfQuery },
  async answer({ limit, mode, after, filter }, { claims, span, afterAnswer }, services) {
    const page = { limit, served: after ?? nothingServed(), filter };
    const recommendation = await feedOf(services, claims, page, mode, span);
    // an operator who looks at somebody's feed does not show it to them
    if (recommendation.feed.items.length > 0 && !claims.preview)
      afterAnswer(services.impressions, { recommendation, userId: claims.sub });
    return recommendation.feed;
  },
};
