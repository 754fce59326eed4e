/** Reading many rows: in pages of a cursor, so that no result set is held as a whole. */
import type { ClientBase, PoolClient, QueryResult } from "pg";
import { type Query, toStatement } from "../supabase/functions/_shared/database/database.ts";

export const rowsPerPage = 10_000;

/** The rows of a query through a server-side cursor. */
export async function* rows<Row>(client: PoolClient, query: Query<Row>): AsyncGenerator<Row> {
  for await (const fetched of cursorPages(client, query)) yield* fetched.rows as Row[];
}

/** The answers of a cursor, `size` rows each. Plain SQL, so it works over the embedded database's socket too. */
export async function* cursorPages(
  client: ClientBase,
  query: Query<unknown>,
  size = rowsPerPage,
): AsyncGenerator<QueryResult> {
  const { text, values } = toStatement(query);
  await client.query(`declare pages no scroll cursor for ${text}`, values);
  for (;;) {
    const fetched = await client.query(`fetch ${size} from pages`);
    yield fetched;
    if (fetched.rows.length < size) break;
  }
  await client.query("close pages");
}

/** The rows of a query as columns, by the names the query gives them. */
export async function readColumns<Row>(
  client: PoolClient,
  query: Query<Row>,
): Promise<{ [Name in keyof Row]: Row[Name][] }> {
  const columns: Record<string, unknown[]> = {};
  for await (const { rows, fields } of cursorPages(client, query))
    for (const { name } of fields) {
      columns[name] ??= [];
      for (const row of rows) columns[name].push(row[name]);
    }
  return columns as { [Name in keyof Row]: Row[Name][] };
}
