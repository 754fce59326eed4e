/** `POST /recommend {limit?, mode?}` or `GET /recommend?limit=&mode=`: the caller's personal feed. */
import type { UserFunction } from "../_shared/http/edge-function.ts";
import { feedOf } from "../_shared/recommend/ladder.ts";
import { type FeedRequest, requestOfBody, requestOfQuery } from "./request.ts";

export const recommendFunction: UserFunction<FeedRequest> = {
  name: "recommend",
  callers: "users",
  maximumBodyBytes: 16 * 1024,
  read: { POST: requestOfBody, GET: requestOfQuery },
  async answer(asked, { claims, span, afterAnswer }, services) {
    const recommendation = await feedOf(services, claims, asked, span);
    // an operator who looks at somebody's feed does not show it to them
    if (recommendation.feed.items.length > 0 && !claims.preview)
      afterAnswer(services.impressions, { recommendation, userId: claims.sub });
    return recommendation.feed;
  },
};
