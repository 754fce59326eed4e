import * as z from "zod";
import type { Embedded } from "../_shared/embed/embed-batch.ts";
import type { Api } from "../_shared/http/api.ts";

const embedded = z.object({ completed: z.int().min(0), failed: z.int().min(0) }).meta({
  id: "Embedded",
  description: "How many posts and users got their vector or need none any more, and how many did not.",
}) satisfies z.ZodType<Embedded>;

export const embedApi: Api = {
  name: "embed",
  callers: "service",
  summary: "Vectors for posts and users that wait for one; called by the project's own schedule.",
  requests: { POST: null },
  answer: embedded,
  codes: { 503: ["model_corrupt", "model_incompatible"] },
};
