import * as z from "zod";
import type { Api } from "../_shared/http/api.ts";
import { similarPeople, similarPosts } from "./answer.ts";
import { similarRequest } from "./request.ts";

export const similarApi: Api = {
  name: "similar",
  callers: "users",
  summary: "Posts like one, people like the caller, or the people whom a post of the caller's may interest.",
  requests: { POST: similarRequest },
  answer: z.discriminatedUnion("find", [similarPosts, similarPeople]),
  codes: {
    400: ["invalid_find", "invalid_post_id", "invalid_limit"],
    404: ["unknown_user", "unknown_post"],
  },
};
