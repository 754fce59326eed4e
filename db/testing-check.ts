/** For tests: recsys.check() and its parts over the blog of docs/adopting.md. */
import type pg from "pg";

/** The functions that recsys.check() is made of; a test asks the one that it is about. */
export const checkParts = [
  "views",
  "access",
  "rows",
  "upkeep",
  "indexes",
  "vectors",
  "promotions",
  "latest",
  "headers",
] as const;
export type CheckPart = (typeof checkParts)[number];

/** A row of recsys.check(). */
export interface CheckFinding {
  stops: boolean;
  problem: string;
  cure: string;
}

/** With test:full all parts are asked, so that a false line of another part is noticed too. */
export async function findingsOf(client: pg.PoolClient, ...asked: CheckPart[]): Promise<CheckFinding[]> {
  const functions = process.env.TEST_FULL ? ["recsys.check()"] : asked.map((part) => `recsys_engine.check_${part}()`);
  const found: CheckFinding[] = [];
  for (const name of functions) found.push(...(await client.query<CheckFinding>(`select * from ${name}`)).rows);
  return found;
}

export const blogPosts = (columns = "", where = "posts.deleted_at is null and posts.published_at is not null") =>
  `create or replace view recsys.source_posts WITH as
   select posts.recsys_id as post_id, null::text as external_id, posts.author_id, posts.title, posts.body as description, null::text[] as tags,
     ${columns || "posts.published_at"} as created_at, null::text as language from blog.posts where ${where}`;
export const asInvoker = "with (security_invoker = true)";
