/**
 * The words that may name topics. Labels are shown to everybody, so they are made of what everybody may read and of nothing else: asked as the
 * app's row level security decides for somebody who is signed in and whom nobody knows; and once more as the role anon, for whom visitors are.
 */
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type pg from "pg";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { anyOf, db, textOf } from "../../supabase/functions/_shared/database/query.ts";
import type { NamingPost } from "./term-counts.ts";

/** The posts of these ids that any signed-in member may read, in their order, but for what is withheld from strangers. */
export async function readTexts(client: pg.ClientBase, ids: string[]): Promise<NamingPost[]> {
  const readable = db
    .selectFrom("recsys.source_posts as posts")
    .select("post_id")
    .where("post_id", "=", anyOf(ids))
    .where(({ exists, not, selectFrom }) => {
      const withheld = selectFrom("recsys.source_withheld as withheld").select("withheld.post_id");
      return not(
        exists(
          withheld.where(({ eb, or, ref }) =>
            or([
              eb("withheld.post_id", "=", ref("posts.post_id")),
              eb("withheld.author_id", "=", ref("posts.author_id")),
            ]),
          ),
        ),
      );
    });
  const claims = JSON.stringify({ sub: randomUUID(), role: "authenticated" });
  const posts = await as(client, "authenticated", claims, () =>
    run(
      client,
      readable
        .select((post) => [
          "author_id",
          "language",
          textOf(post.ref("title")).as("title"),
          sql<string>`left(${textOf(post.ref("description"))}, 600)`.as("description"),
          sql<string[]>`coalesce(${post.ref("tags")}, '{}')`.as("tags"),
        ])
        .orderBy((post) => sql`array_position(${ids}::uuid[], ${post.ref("post_id")})`),
    ),
  );
  const publicIds = await as(client, "anon", JSON.stringify({ role: "anon" }), () => run(client, readable)).catch(
    (error) => {
      // an app that shows visitors nothing gives anon no right to its tables
      if ((error as pg.DatabaseError).code !== insufficientPrivilege) throw error;
      return [];
    },
  );
  const isPublic = new Set(publicIds.map(({ post_id }) => post_id));
  return posts.map((post) => ({ ...post, is_public: isPublic.has(post.post_id) }));
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
