/** One question to the database, asked as the engine's service. */

import type { Pool, Statement } from "../database/database.ts";
import { queryTimeout } from "../database/pool.ts";
import { readAs, service, transactAs } from "../database/run-as-caller.ts";
import { AppError } from "../http/errors.ts";
import { filledSql, type Question } from "./questions.ts";

/** What the database says, and the statement that says it. */
export interface QuestionAnswer {
  sql: string;
  rows: Record<string, unknown>[];
}

/** A report over months of impressions takes seconds; nobody else waits for it. The database is the first to give it up, and the connection stays. */
const timeout = `${queryTimeout - 1_000}ms`;

/** What our functions raise: raise_exception, object_not_in_prerequisite_state, no_data_found. Their messages are for the operator. */
const refusals = new Set(["P0001", "55000", "P0002"]);

/** `values`: the question's parameters in their order. Throws what the database does; what it refuses as AppError 400. */
export async function ask(pool: Pool, question: Question, values: (string | number)[]): Promise<QuestionAnswer> {
  const statement: Statement<{ row: Record<string, unknown> }> = {
    // as JSON, in which a bigint is a number and an interval a text; jsonb would sort the columns
    text: `select row_to_json(answer) as row from (${question.sql}) as answer`,
    values: values.map(String),
  };
  const asked = question.changes ? transactAs : readAs;
  try {
    const rows = await asked(pool, service, statement, async (_, rows) => rows, timeout);
    return { sql: filledSql(question, values), rows: rows.map(({ row }) => row) };
  } catch (error) {
    const { code, message, hint } = error as { code?: string; message: string; hint?: string };
    if (!refusals.has(code ?? "")) throw error;
    throw new AppError(400, "refused", [message, hint].filter(Boolean).join(": "), error);
  }
}
