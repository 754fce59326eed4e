/** `POST /recommend {limit?, mode?}` or `GET /recommend?limit=&mode=`: the caller's personal feed. */
import type { UserFunction } from "../_shared/http/edge-function.ts";
import { batchFeed, recommendOrFallBack } from "../_shared/recommend/batch-feed.ts";
import { recommend } from "../_shared/recommend/recommend.ts";
import { type FeedRequest, requestOfBody, requestOfQuery } from "./request.ts";

export const recommendFunction: UserFunction<FeedRequest> = {
  name: "recommend",
  callers: "users",
  maximumBodyBytes: 16 * 1024,
  read: { POST: requestOfBody, GET: requestOfQuery },
  async answer({ limit, mode }, { claims, span, afterAnswer }, services) {
    const recommendation =
      mode === "batch"
        ? ((await batchFeed(services, claims, limit)) ?? (await recommend(services, claims, limit, span)))
        : await recommendOrFallBack(services, claims, limit, span);
    // an operator who looks at somebody's feed does not show it to them
    if (recommendation.feed.items.length > 0 && !claims.preview)
      afterAnswer(services.impressions, { recommendation, userId: claims.sub });
    return recommendation.feed;
  },
};
