/** Which columns of the app's table of posts tell some posts from others. */
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
 * The columns whose values in `extra` no post of `listed` has, the one with most such posts first. A post is in one difference, and in none where no
 * column tells. Empty where no watched table holds the posts, or where nothing is listed.
 */
export async function differingColumns(client: ClientBase, listed: string[], extra: string[]): Promise<Difference[]> {
  const rows = await postRows(client, [...listed, ...extra]);
  const known = listed.map((id) => rows.get(id)).filter((row) => row !== undefined);
  if (known.length === 0) return [];
  const told = Object.keys(known[0]).map((column) => ({ column, saysOf: valuesOf(known, column) }));
  const differences: Difference[] = [];
  let left = extra.filter((id) => rows.has(id));
  while (left.length > 0) {
    const differing = told.map(({ column, saysOf }) => ({
      column,
      saysOf,
      posts: left.filter((id) => !saysOf.values.has(saysOf.of((rows.get(id) as Row)[column]))),
    }));
    const best = differing.reduce((a, b) => (b.posts.length > a.posts.length ? b : a));
    if (best.posts.length === 0) break;
    const theirs = new Set(best.posts.map((id) => best.saysOf.of((rows.get(id) as Row)[best.column])));
    differences.push({
      text: `${best.column} is ${inWords(theirs)}, and ${inWords(best.saysOf.values)} where both show the post`,
      posts: best.posts,
    });
    const gone = new Set(best.posts);
    left = left.filter((id) => !gone.has(id));
  }
  return differences;
}

function valuesOf(rows: Row[], column: string) {
  const whole = (value: unknown) => (value === null ? "null" : JSON.stringify(value));
  const values = new Set(rows.map((row) => whole(row[column])));
  if (values.size <= fewValues) return { of: whole, values };
  const isNull = (value: unknown) => (value === null ? "null" : "not null");
  return { of: isNull, values: new Set(rows.map((row) => isNull(row[column]))) };
}

function inWords(values: Set<string>): string {
  const [first, ...others] = [...values].sort();
  return others.length > 3 ? `${first} or one of ${others.length} others` : [first, ...others].join(" or ");
}

/** The rows of the watched tables that hold the posts. */
async function postRows(client: ClientBase, ids: string[]): Promise<Map<string, Row>> {
  const { rows: watches } = await client.query<{ name: string; post: string }>(
    "select table_name::text as name, watch ->> 'changed_post' as post from recsys.watches where kind = 'posts' and watch ->> 'changed_post' is not null",
  );
  const found = new Map<string, Row>();
  for (const { name, post } of watches) {
    const { rows } = await client.query<{ post_id: string; content: Row }>(
      `select ${post} as post_id, to_jsonb(changed) as content from ${name} as changed where ${post} = any ($1::uuid[])`,
      [ids],
    );
    for (const { post_id, content } of rows) found.set(post_id, content);
  }
  return found;
}
