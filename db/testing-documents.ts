/** For tests of documents: their SQL, and whether it still gives the columns that they show. */
import assert from "node:assert/strict";
import type pg from "pg";
import type { QueryResult } from "pg";

/** A block of SQL, with what psql printed of it where the document shows that. */
export interface Block {
  sql: string;
  output: string | undefined;
}

/** The blocks of a document, in its order. */
export function sqlBlocks(text: string): Block[] {
  return [...text.matchAll(/```sql\n(.*?)```\n(?:\n```\n(.*?)```)?/gs)].map(([, sql, output]) => ({ sql, output }));
}

/** Runs a block as it stands; its results have the columns that the document shows. */
export async function runBlock(pool: pg.Pool, { sql, output }: Block): Promise<void> {
  const given = await pool.query(sql);
  const results = (Array.isArray(given) ? given : [given]) as QueryResult[];
  if (output === undefined) return;
  const shown = results
    .filter(({ fields }) => fields.length > 0)
    .map(({ fields }) => fields.map(({ name }) => name).join(" | "));
  // psql underlines the line that names the columns
  const lines = output.split("\n");
  const documented = lines
    .filter((_, i) => /^[-+]+$/.test(lines[i + 1] ?? ""))
    .map((line) =>
      line
        .trim()
        .split(/ *\| */)
        .join(" | "),
    );
  assert.deepEqual(documented, shown);
}
