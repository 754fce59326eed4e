/** What a console asks: one of the questions by its name, with its parameters. */
import * as z from "zod";
import { type Question, uuid } from "../_shared/console/question.ts";
import { type QuestionName, questions } from "../_shared/console/questions.ts";
import { AppError } from "../_shared/http/errors.ts";
import { parseJson } from "../_shared/http/parse-json.ts";

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
    ask: z.enum(names).describe("Which question."),
    parameters: z
      .record(z.string(), z.union([z.string(), z.number()]))
      .default({})
      .describe("What it asks about."),
  })
  .meta({ id: "ConsoleRequest", description: "One question of whoever runs the community." });

export type ConsoleRequest =
  | { ask: QuestionName; question: Question; values: (string | number)[] }
  | { ask: "feed"; userId: string; limit: number }
  | { ask: "latency" };

/** From a JSON body. @throws AppError 400 */
export function requestOfBody(text: string): ConsoleRequest {
  const result = consoleRequest.safeParse(parseJson(text));
  if (!result.success) {
    const [{ code, path }] = result.error.issues;
    if (code === "unrecognized_keys")
      throw new AppError(400, "unknown_field", "the body may have the fields ask and parameters and no others");
    if (path[0] === "ask") throw new AppError(400, "invalid_ask", `ask must be one of ${names.join(", ")}`);
    if (path[0] === "parameters")
      throw new AppError(400, "invalid_parameters", "parameters must be an object of texts and numbers");
    throw new AppError(400, "invalid_body", 'the body must be a JSON object such as {"ask": "models"}');
  }
  const { ask, parameters } = result.data;
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
