import * as z from "zod";
import type { Api } from "../_shared/http/api.ts";

export const openapiApi: Api = {
  name: "openapi",
  callers: "anyone",
  summary: "This document.",
  requests: { GET: null },
  answer: z.looseObject({ openapi: z.literal("3.1.1") }),
  codes: {},
};
