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

/** A timestamp as milliseconds since 1970. */
export function milliseconds(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::double precision`;
}
