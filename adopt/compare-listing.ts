/** Compares an app's own listing for a person with the posts that their feed may show. */
import type { ClientBase, Pool } from "pg";
import { readingAs } from "../db/reading-as.ts";
import { UserError } from "../db/user-error.ts";
import { differingColumns } from "./differing-columns.ts";

export interface ListingComparison {
  /** Posts in both. */
  both: number;
  /** Posts of the listing that the feed may not show, by reason. */
  missing: { reason: string; posts: string[] }[];
  /** Posts that the feed may show and the listing does not. */
  extra: string[];
  /** Columns of the app's table of posts in which `extra` differs from the posts in both. */
  differences: { text: string; posts: string[] }[];
}

/** Posts of each side whose rows are looked at for what differs. */
const looked = 5000;

/**
 * Runs `listing`, one statement whose first column holds ids of posts, as a signed-in person would, and compares it with the posts that their feed may
 * show. Reads only, in one snapshot. Ids are the app's own, as text. Throws a `UserError` where the listing cannot be run.
 */
export async function compareListing(pool: Pool, userId: string, listing: string): Promise<ListingComparison> {
  const client = await pool.connect();
  try {
    return await readingAs(client, { sub: userId, role: "authenticated" }, () => compare(client, userId, listing));
  } finally {
    client.release();
  }
}

async function compare(client: ClientBase, userId: string, listing: string): Promise<ListingComparison> {
  await client.query("set local statement_timeout = '60s'");
  const ids = await read(client, listing);
  const listed = new Set(await idsOf(client, ids));
  const eligible = new Set(await eligiblePosts(client, userId));
  const readable = await amongPosts(client, [...listed]);
  await client.query("set local role none");
  const known = await amongPosts(client, [...listed]);
  if (known.size === 0) await refuseBareKeys(client, ids);
  const both = [...listed].filter((id) => eligible.has(id));
  const extra = [...eligible].filter((id) => !listed.has(id));
  const differences = await differingColumns(client, both.slice(0, looked), extra.slice(0, looked));
  const names = await appIds(client, [...extra, ...listed]);
  const named = (ids: string[]) => ids.map((id) => names.get(id) ?? id);
  const missing = [...listed].filter((id) => !eligible.has(id));
  const reasons: [string, string[]][] = [
    ["no row of recsys.source_posts", missing.filter((id) => !known.has(id))],
    ["not readable in recsys.source_posts as this person", missing.filter((id) => known.has(id) && !readable.has(id))],
    [
      "left out for this person: their own, seen, acted on, dismissed, muted or withheld",
      missing.filter((id) => readable.has(id)),
    ],
  ];
  return {
    both: both.length,
    missing: reasons.filter(([, ids]) => ids.length > 0).map(([reason, ids]) => ({ reason, posts: named(ids) })),
    extra: named(extra),
    differences: differences.map(({ text, posts }) => ({ text, posts: named(posts) })),
  };
}

/** Posts that a person's feed may show, read as this person. */
export async function eligiblePosts(client: ClientBase, userId: string): Promise<string[]> {
  // materialized: the planner would otherwise build the request once for each post
  const { rows } = await client.query<{ post_id: string }>(
    `with request as materialized (select recsys_engine.feed_request($1, recsys.clock()) as made)
     select post_id from request, lateral recsys_engine.eligible_posts(request.made)`,
    [userId],
  );
  return rows.map(({ post_id }) => post_id);
}

/** The first column of the listing. */
async function read(client: ClientBase, listing: string): Promise<string[]> {
  const query = { text: listing, rowMode: "array" as const, queryMode: "extended" };
  const { rows, fields } = await client.query<unknown[]>(query).catch((error: Error) => {
    throw new UserError(`the listing cannot be run as this person: ${error.message}`);
  });
  if (!fields?.length) throw new UserError("the listing has no column: write `select id from …`, one statement");
  return rows
    .map(([id]) => id)
    .filter((id) => id !== null)
    .map(String);
}

/** The uuids by which the engine knows these posts. */
async function idsOf(client: ClientBase, ids: string[]): Promise<string[]> {
  const { rows } = await client.query<{ post_id: string }>(
    `select case
       when id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then id::uuid
       when id ~ '^-?[0-9]{1,18}$' then recsys.id_of(id::bigint)
       else recsys.id_of(id)
     end as post_id
     from unnest($1::text[]) as listed (id)`,
    [ids],
  );
  return rows.map(({ post_id }) => post_id);
}

/** Refuses keys of one of several tables of posts, whose ids begin with its name. */
async function refuseBareKeys(client: ClientBase, keys: string[]): Promise<void> {
  const { rows } = await client.query<{ id: string }>(
    `select posts.external_id as id from unnest($1::text[]) as listed (key)
     join recsys.source_posts as posts on right(posts.external_id, length(listed.key) + 1) = '/' || listed.key limit 1`,
    [keys.slice(0, 10)],
  );
  if (rows.length === 0) return;
  const [{ id }] = rows;
  const table = id.slice(0, id.lastIndexOf("/"));
  throw new UserError(
    `the listing has keys of one table, and ids of posts begin with its name, such as ${id}: write \`select '${table}/' || id from ${table} …\``,
  );
}

/** Which of these have a row that the current role reads. */
async function amongPosts(client: ClientBase, ids: string[]): Promise<Set<string>> {
  const { rows } = await client.query<{ post_id: string }>(
    "select post_id from recsys.source_posts where post_id = any ($1::uuid[])",
    [ids],
  );
  return new Set(rows.map(({ post_id }) => post_id));
}

async function appIds(client: ClientBase, ids: string[]): Promise<Map<string, string>> {
  const { rows } = await client.query<{ id: string; app_id: string }>(
    `select ids.id, recsys.app_id(ids.id, posts.external_id) as app_id
     from unnest($1::uuid[]) as ids (id) left join recsys.source_posts as posts on posts.post_id = ids.id`,
    [ids],
  );
  return new Map(rows.map(({ id, app_id }) => [id, app_id]));
}
