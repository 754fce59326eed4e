/** `POST /recommend {limit?, mode?, filter?}` or `GET /recommend?limit=&mode=`: the caller's personal feed. */
import { writeInBackground } from "../_shared/database/caller.ts";
import type { UserFunction } from "../_shared/http/edge-function.ts";
import { batchFeed, recommendOrFallBack } from "../_shared/recommend/batch-feed.ts";
import { logImpressions } from "../_shared/recommend/log-impressions.ts";
import { recommend } from "../_shared/recommend/recommend.ts";
import { type FeedRequest, requestOfBody, requestOfQuery } from "./request.ts";

export const recommendFunction: UserFunction<FeedRequest> = {
  name: "recommend",
  callers: "users",
  maximumBodyBytes: 16 * 1024,
  read: { POST: requestOfBody, GET: requestOfQuery },
  async answer({ limit, mode, filter }, { claims, span, afterAnswer }, services) {
    const recommendation =
      mode === "batch"
        ? ((await batchFeed(services, claims, limit, filter)) ??
          (await recommend(services, claims, limit, span, filter)))
        : await recommendOrFallBack(services, claims, limit, span, filter);
    // an operator who looks at somebody's feed does not show it to them
    if (recommendation.feed.items.length > 0 && !claims.preview)
      afterAnswer("impressions_lost", () =>
        writeInBackground(services.pool, claims, logImpressions(recommendation, claims.sub)),
      );
    return recommendation.feed;
  },
};
