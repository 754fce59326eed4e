/** Runs one of the console's questions as the engine's service. */

import type { Pool, Statement } from "../database/database.ts";
import { queryTimeout } from "../database/pool.ts";
import { readAs, service, transactAs } from "../database/run-as-caller.ts";
import { AppError } from "../http/errors.ts";
import { filledSql, type Question } from "./questions.ts";

/** The rows of a question, with the statement that returned them. */
export interface QuestionAnswer {
  sql: string;
  rows: Record<string, unknown>[];
}

/**
 * Statement timeout: a report over months of impressions takes seconds. It is below the pool's
 * timeout, which would close the connection.
 */
const timeout = `${queryTimeout - 1_000}ms`;

/**
 * Errors that our functions raise for the operator: raise_exception, object_not_in_prerequisite_state, no_data_found.
 */
const refusals = new Set(["P0001", "55000", "P0002"]);

/**
 * `values`: the question's parameters in order. Throws database errors; those meant for the operator as AppError 400.
 */
export async function ask(pool: Pool, question: Question, values: (string | number)[]): Promise<QuestionAnswer> {
  const statement: Statement<{ row: Record<string, unknown> }> = {
    // as JSON, so that bigint is a number and interval a text; jsonb would reorder the columns
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
