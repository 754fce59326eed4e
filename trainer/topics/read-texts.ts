/**
 * The words that may name topics. Labels are shown to all, so they use only posts that an unknown signed-in member may read,
 * and once more as the role anon, for visitors. In a community where such a member may read no post, topics have no labels.
 */
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type pg from "pg";
import { readingAs } from "../../db/reading-as.ts";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { anyOf, db, textOf } from "../../supabase/functions/_shared/database/query.ts";
import type { NamingPost } from "./term-counts.ts";

/**
 * The posts of these ids that any signed-in member may read, in their order, but for what is withheld from strangers. A title that they are shown
 * otherwise than it is, such as "[members only]", is left out.
 */
export async function readTexts(client: pg.ClientBase, ids: string[]): Promise<NamingPost[]> {
  const texts = readableTexts(ids);
  const posts = await readingAs(client, { sub: randomUUID(), role: "authenticated" }, () => run(client, texts));
  const toVisitors = await readingAs(client, { role: "anon" }, () => run(client, texts)).catch((error) => {
    // an app that shows visitors nothing gives anon no right to its tables
    if ((error as pg.DatabaseError).code !== insufficientPrivilege) throw error;
    return [];
  });
  const titles = await run(client, titlesOf(ids));
  const titleOf = new Map(titles.map(({ post_id, title }) => [post_id, title]));
  const shownToVisitors = new Map(toVisitors.map((post) => [post.post_id, JSON.stringify(post)]));
  return posts.map(({ post_id, ...post }) => ({
    ...post,
    title: titleOf.get(post_id) === post.title ? post.title : "",
    is_public: shownToVisitors.get(post_id) === JSON.stringify({ post_id, ...post }),
  }));
}

/** As the role of the transaction is shown them. */
function readableTexts(ids: string[]) {
  return db
    .selectFrom("recsys.source_posts as posts")
    .select((post) => [
      "post_id",
      "author_id",
      "language",
      textOf(post.ref("title")).as("title"),
      sql<string>`left(${textOf(post.ref("description"))}, 600)`.as("description"),
      sql<string[]>`coalesce(${post.ref("tags")}, '{}')`.as("tags"),
    ])
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
    })
    .orderBy((post) => sql`array_position(${ids}::uuid[], ${post.ref("post_id")})`);
}

/** As they are. */
function titlesOf(ids: string[]) {
  return db
    .selectFrom("recsys.source_posts")
    .select(({ ref }) => ["post_id", textOf(ref("title")).as("title")])
    .where("post_id", "=", anyOf(ids));
}

const insufficientPrivilege = "42501";
