import * as z from "zod";
import type { Api } from "../_shared/http/api.ts";
import { feed, feedItem, reason } from "../_shared/recommend/feed.ts";
import { consoleRequest } from "./request.ts";

const table = z
  .object({
    sql: z.string().describe("The statement that gives the rows, to copy."),
    rows: z.array(z.record(z.string(), z.unknown())),
  })
  .meta({ id: "ConsoleTable", description: "What the database says, and how it was asked." });

const candidate = feedItem
  .pick({ post_id: true, title: true, score: true, predictions: true })
  .extend({
    created_at: z.iso.datetime(),
    author_id: z.guid().nullable(),
    sources: z
      .record(z.string(), z.int().nullable())
      .describe("Where it stands in each source, from 1; null: that one did not bring it."),
    rank: z.int().describe("Among the candidates by score, from 1."),
    position: z.int().nullable().describe("On the page; null: it is not on it."),
    why: reason.nullable().describe("null: it is not on the page."),
    features: z.array(z.number()).nullable().describe("What the ranker was told, by the names of feature_names."),
  })
  .meta({ id: "ConsoleCandidate", description: "A candidate of somebody's feed." });

const feedWithCandidates = feed
  .extend({ feature_names: z.array(z.string()), candidates: z.array(candidate) })
  .meta({ id: "ConsoleFeed", description: "What somebody's feed is now, with every candidate; asked by `feed`." });

export const consoleApi: Api = {
  name: "console",
  callers: "service",
  summary: "Questions of whoever runs the community, each with the SQL that answers it.",
  requests: { POST: consoleRequest },
  answer: z.union([table, feedWithCandidates]),
  codes: {
    400: ["invalid_ask", "invalid_parameters", "refused"],
    404: ["unknown_user"],
    503: ["model_corrupt", "model_incompatible"],
  },
};
