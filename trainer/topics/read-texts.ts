/**
 * The words that may name topics. Labels are shown to everybody, so they are made of what everybody may read and of nothing else: asked as the
 * app's row level security decides for somebody who is signed in and whom nobody knows; and once more as the role anon, for whom visitors are.
 */
import { randomUUID } from "node:crypto";
import type pg from "pg";
import type { NamingPost } from "./term-counts.ts";

/** The posts of these ids that any signed-in member may read, in their order. */
export async function readTexts(client: pg.ClientBase, ids: string[]): Promise<NamingPost[]> {
  const claims = JSON.stringify({ sub: randomUUID(), role: "authenticated" });
  const posts = await as(client, "authenticated", claims, () =>
    client.query<Omit<NamingPost, "is_public"> & { post_id: string }>(
      `select post_id, author_id, coalesce(title, '') as title, left(coalesce(description, ''), 600) as description, coalesce(tags, '{}') as tags, language from recsys.source_posts
       where post_id = any($1::uuid[]) order by array_position($1::uuid[], post_id)`,
      [ids],
    ),
  );
  const publicIds = await as(client, "anon", JSON.stringify({ role: "anon" }), () =>
    client.query<{ post_id: string }>("select post_id from recsys.source_posts where post_id = any($1::uuid[])", [ids]),
  ).catch((error) => {
    // an app that shows visitors nothing gives anon no right to its tables
    if ((error as pg.DatabaseError).code !== insufficientPrivilege) throw error;
    return { rows: [] };
  });
  const isPublic = new Set(publicIds.rows.map(({ post_id }) => post_id));
  return posts.rows.map((post) => ({ ...post, is_public: isPublic.has(post.post_id) }));
}

const insufficientPrivilege = "42501";

/** In a transaction of its own, under a role and with the claims of a token, as PostgREST has it. */
async function as<T>(client: pg.ClientBase, role: string, claims: string, work: () => Promise<T>): Promise<T> {
  await client.query("begin read only");
  try {
    await client.query("select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", [
      role,
      claims,
    ]);
    return await work();
  } finally {
    await client.query("rollback");
  }
}
