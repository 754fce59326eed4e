/** What a console asks and is answered: one of the questions by its name, with its parameters. */
import * as z from "zod";
import { type Question, type QuestionName, questions, uuid } from "../_shared/console/questions.ts";
import type { Api } from "../_shared/http/api.ts";
import { AppError } from "../_shared/http/errors.ts";
import { parseJson, requestOf } from "../_shared/http/request.ts";
import { feed, feedItem, reason } from "../_shared/recommend/request/feed-schema.ts";

/** What is worked out here and not by one statement. */
const computed = {
  feed: { user_id: uuid, limit: z.int().min(1).max(100) },
  latency: {},
};

const names = [...Object.keys(questions), ...Object.keys(computed)] as [
  QuestionName | keyof typeof computed,
  ...(QuestionName | keyof typeof computed)[],
];

export const consoleRequest = z
  .strictObject({
    ask: z.enum(names).meta({ description: "Which question.", refusal: `ask must be one of ${names.join(", ")}` }),
    parameters: z
      .record(z.string(), z.union([z.string(), z.number()]))
      .default({})
      .meta({ description: "What it asks about.", refusal: "parameters must be an object of texts and numbers" }),
  })
  .meta({
    id: "ConsoleRequest",
    description: "One question of an operator of the community.",
    examples: [{ ask: "models" }],
  });

export type ConsoleRequest =
  | { ask: QuestionName; question: Question; values: (string | number)[] }
  | { ask: "feed"; userId: string; limit: number }
  | { ask: "latency" };

/** From a JSON body. @throws AppError 400 */
export function consoleRequestOf(text: string): ConsoleRequest {
  const { ask, parameters } = requestOf(consoleRequest, parseJson(text));
  if (ask === "latency") return { ask };
  if (ask === "feed") {
    const { user_id, limit } = checked(ask, computed.feed, { limit: 20, ...parameters });
    return { ask, userId: user_id as string, limit: limit as number };
  }
  const question: Question = questions[ask];
  const values = checked(ask, question.parameters ?? {}, parameters);
  return { ask, question, values: Object.keys(question.parameters ?? {}).map((name) => values[name]) };
}

function checked(ask: string, shape: Record<string, z.ZodType<string | number>>, parameters: object) {
  const result = z.strictObject(shape).safeParse(parameters);
  if (result.success) return result.data as Record<string, string | number>;
  const wanted = Object.keys(shape).join(", ") || "none";
  throw new AppError(
    400,
    "invalid_parameters",
    `${ask} takes the parameters ${wanted}; ${z.prettifyError(result.error).replaceAll(/\s+/g, " ")}`,
  );
}

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
  .meta({ id: "ConsoleCandidate", description: "A candidate of a user's feed." });

const feedWithCandidates = feed
  .extend({ feature_names: z.array(z.string()), candidates: z.array(candidate) })
  .meta({ id: "ConsoleFeed", description: "A user's feed now, with every candidate; asked by `feed`." });

export const consoleApi: Api = {
  name: "console",
  callers: "service",
  summary: "Questions of an operator of the community, each with the SQL that answers it.",
  requests: { POST: consoleRequest },
  answer: z.union([table, feedWithCandidates]),
  codes: {
    400: ["refused"],
    404: ["unknown_user"],
    503: ["model_corrupt", "model_incompatible"],
  },
};
