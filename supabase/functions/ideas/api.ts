import type { Api } from "../_shared/http/api.ts";
import { ideasAnswer } from "./answer.ts";
import { ideasRequest } from "./request.ts";

export const ideasApi: Api = {
  name: "ideas",
  callers: "users",
  summary:
    "Ideas for posts: what people ask for more than is written, near to what the caller knows, with the audience to expect.",
  requests: { POST: ideasRequest },
  answer: ideasAnswer,
  codes: { 400: ["invalid_limit"] },
};
