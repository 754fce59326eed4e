import type { Api } from "../_shared/http/api.ts";
import { feed } from "../_shared/recommend/feed.ts";
import { feedQuery, feedRequest } from "./request.ts";

export const recommendApi: Api = {
  name: "recommend",
  callers: "users",
  visitors: true,
  summary: "The caller's personal feed; for a visitor, one by the interests they name.",
  requests: { POST: feedRequest, GET: feedQuery },
  answer: feed,
  codes: {
    400: ["invalid_limit", "invalid_mode", "invalid_after", "invalid_filter", "invalid_interests"],
    404: ["unknown_user"],
    503: ["model_corrupt", "model_incompatible"],
  },
};
