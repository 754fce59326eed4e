/** What a console asks of the database: one statement each, which the page shows beside its numbers, to copy. */
import * as z from "zod";

export interface Question {
  /** Its parameters are $1, $2 … in the order of `parameters`. */
  sql: string;
  /** By their names in a request; each value travels as text, so the statement casts it. */
  parameters?: Record<string, z.ZodType<string | number>>;
  /** It changes something, so its transaction may write. */
  changes?: true;
}

export const id = z.int().min(1);
export const uuid = z.guid();
export const name = z.string().min(1).max(200);
export const days = z.int().min(1).max(730);

/** The statement with its parameters written into it, as psql takes it. */
export function filledSql({ sql }: Question, values: (string | number)[]): string {
  return sql.trim().replace(/\$(\d+)/g, (_, place) => {
    const value = values[Number(place) - 1];
    return typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;
  });
}
