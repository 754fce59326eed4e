/** `POST /recommend {limit?}` or `GET /recommend?limit=`: the caller's personal feed. */
import { writeInBackground } from "../_shared/database/caller.ts";
import type { UserFunction } from "../_shared/http/edge-function.ts";
import { logImpressions } from "../_shared/recommend/log-impressions.ts";
import { recommend } from "../_shared/recommend/recommend.ts";
import { limitOfBody, limitOfQuery } from "./limit.ts";

export const recommendFunction: UserFunction<number> = {
  name: "recommend",
  callers: "users",
  maximumBodyBytes: 16 * 1024,
  read: { POST: limitOfBody, GET: limitOfQuery },
  async answer(limit, { claims, afterAnswer }, services) {
    const recommendation = await recommend(services, claims, limit);
    // an operator who looks at somebody's feed does not show it to them
    if (recommendation.feed.items.length > 0 && !claims.preview)
      afterAnswer("impressions_lost", () =>
        writeInBackground(services.pool, claims, logImpressions(recommendation, claims.sub)),
      );
    return recommendation.feed;
  },
};
