/**
 * `POST /recommend {limit?, mode?, after?, filter?, interests?, query?, candidates?}` or `GET /recommend?limit=&mode=&after=&interests=`: a page of the caller's personal
 * feed. A visitor gets one too, by the interests they name. With `count_since` only how many posts are new.
 */
import { visitor } from "../_shared/database/run-as-caller.ts";
import { request as callerRequest } from "../_shared/http/caller-request.ts";
import type { UserFunction } from "../_shared/http/edge-function.ts";
import type { RecommendServices } from "../_shared/plugins/feed-services.ts";
import { feedWithFallbacks } from "../_shared/recommend/feed-with-fallbacks.ts";
import { countNewPosts } from "../_shared/recommend/request/count-new-posts.ts";
import { emptyServedState, type Page } from "../_shared/recommend/request/cursor.ts";
import { type FeedRequest, feedRequestOf, requestOfQuery } from "./api.ts";

export const recommendFunction: UserFunction<FeedRequest, RecommendServices> = {
  name: "recommend",
  callers: "users",
  // what fits the limits of the fields has 97 KB at most: 1,000 candidates, the longest cursor, and tags and interests with every letter escaped
  maximumBodyBytes: 128 * 1024,
  read: { POST: feedRequestOf, GET: requestOfQuery },
  async answer(request, { claims, span, afterAnswer, inSpareTime }, services) {
    if (request.count_since !== undefined)
      return await countNewPosts(services, claims, request.count_since, request.filter);
    const reader = { caller: claims, interests: interestsOf(request) };
    const recommendation = await feedWithFallbacks(services, reader, pageOf(request), request.mode, span);
    const { feed } = recommendation;
    // an operator who looks at a user's feed does not show it to them
    if (feed.items.length > 0 && !claims.preview) {
      const { decision, ...shown } = recommendation;
      afterAnswer(services.impressions, { recommendation: shown, userId: claims.sub });
      for (const after of services.plugIns.afterAnswer) after(recommendation, claims, inSpareTime);
    }
    return feed;
  },
  // nothing is written of a visitor
  async answerVisitor(request, { span, sent }, services) {
    const caller = { ...visitor, [callerRequest]: sent };
    if (request.count_since !== undefined)
      return await countNewPosts(services, caller, request.count_since, request.filter);
    const reader = { caller, interests: interestsOf(request) };
    return (await feedWithFallbacks(services, reader, pageOf(request), request.mode, span)).feed;
  },
};

function interestsOf({ query, interests }: FeedRequest): string[] {
  return query === undefined ? interests : [query, ...interests];
}

function pageOf({ limit, after, filter, candidates }: FeedRequest): Page {
  return { limit, served: after ?? emptyServedState(), filter, given: candidates };
}
