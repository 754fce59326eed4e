/** Finds columns in which some posts differ from others. */
import type { ClientBase } from "pg";

export interface Difference {
  /** Such as: moderation is pending, and accepted where both show the post. */
  text: string;
  /** The posts that differ in it, by the engine's uuids. */
  posts: string[];
}

type Row = Record<string, unknown>;

/** Columns with more values than this among the listed posts are asked only whether they are null. */
const fewValues = 20;

/**
 * Columns with values that occur in `extra` and in no post of `listed`, the column with most such posts first. Each post is in one difference at most,
 * and is compared with posts of its own table. Empty if no watched table holds the posts, or if `listed` has none of the same tables.
 */
export async function differingColumns(client: ClientBase, listed: string[], extra: string[]): Promise<Difference[]> {
  const tables = await postTables(client, [...listed, ...extra]);
  return tables
    .flatMap(({ name, rows }) => differencesOf(tables.length > 1 ? `${name}.` : "", rows, listed, extra))
    .sort((one, other) => other.posts.length - one.posts.length);
}

function differencesOf(prefix: string, rows: Map<string, Row>, listed: string[], extra: string[]): Difference[] {
  const known = listed.map((id) => rows.get(id)).filter((row) => row !== undefined);
  if (known.length === 0) return [];
  const listedColumns = Object.keys(known[0]).map((column) => ({ column, ...valuesOf(known, column) }));
  const differences: Difference[] = [];
  let left = extra.filter((id) => rows.has(id));
  while (left.length > 0) {
    const differing = listedColumns.map(({ column, textOf, values }) => {
      const valueIn = (id: string) => textOf((rows.get(id) as Row)[column]);
      return { column, valueIn, values, posts: left.filter((id) => !values.has(valueIn(id))) };
    });
    const best = differing.reduce((a, b) => (b.posts.length > a.posts.length ? b : a));
    if (best.posts.length === 0) break;
    differences.push({
      text: `${prefix}${best.column} is ${inWords(new Set(best.posts.map(best.valueIn)))}, and ${inWords(best.values)} where both show the post`,
      posts: best.posts,
    });
    const found = new Set(best.posts);
    left = left.filter((id) => !found.has(id));
  }
  return differences;
}

/** The values of a column as texts: itself or, of a column with many values, whether it is null. */
function valuesOf(rows: Row[], column: string) {
  const whole = (value: unknown) => (value === null ? "null" : JSON.stringify(value));
  const values = new Set(rows.map((row) => whole(row[column])));
  if (values.size <= fewValues) return { textOf: whole, values };
  const isNull = (value: unknown) => (value === null ? "null" : "not null");
  return { textOf: isNull, values: new Set(rows.map((row) => isNull(row[column]))) };
}

function inWords(values: Set<string>): string {
  const [first, ...others] = [...values].sort();
  return others.length > 3 ? `${first} or one of ${others.length} others` : [first, ...others].join(" or ");
}

/** The rows of the posts, by the watched tables that hold them. */
async function postTables(client: ClientBase, ids: string[]): Promise<{ name: string; rows: Map<string, Row> }[]> {
  const { rows: watches } = await client.query<{ name: string; post: string }>(
    "select table_name::text as name, watch ->> 'changed_post' as post from recsys.watches where kind = 'posts' and watch ->> 'changed_post' is not null",
  );
  const tables: { name: string; rows: Map<string, Row> }[] = [];
  for (const { name, post } of watches) {
    const { rows } = await client.query<{ post_id: string; content: Row }>(
      `select ${post} as post_id, to_jsonb(changed) as content from ${name} as changed where ${post} = any ($1::uuid[])`,
      [ids],
    );
    if (rows.length > 0) tables.push({ name, rows: new Map(rows.map(({ post_id, content }) => [post_id, content])) });
  }
  return tables;
}
