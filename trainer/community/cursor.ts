/** Reading many rows: in pages of a cursor, so that no result set is held as a whole. */
import type { PoolClient } from "pg";

export const page = 10_000;

// biome-ignore lint/suspicious/noExplicitAny: the shape of a row is that of its query
export type Row = any;

/** The rows of a query through a server-side cursor; plain SQL, so it works over the embedded database's socket too. */
export async function* rows(client: PoolClient, query: string): AsyncGenerator<Row> {
  await client.query(`declare pages no scroll cursor for ${query}`);
  for (;;) {
    const { rows: found } = await client.query(`fetch ${page} from pages`);
    yield* found;
    if (found.length < page) break;
  }
  await client.query("close pages");
}

/** The rows of a query as columns, by the names the query gives them. */
export async function readColumns<Name extends string>(
  client: PoolClient,
  query: Record<Name, string>,
  from: string,
): Promise<Record<Name, Row[]>> {
  const names = Object.keys(query) as Name[];
  const columns = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Row[]>;
  const selected = names.map((name) => `${query[name]} as "${name}"`).join(", ");
  for await (const row of rows(client, `select ${selected} from ${from}`))
    for (const name of names) columns[name].push(row[name]);
  return columns;
}

/** A timestamp as milliseconds since 1970. */
export function milliseconds(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::double precision`;
}
