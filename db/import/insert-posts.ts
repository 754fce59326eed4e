import type { ClientBase } from "pg";
import { run } from "../../supabase/functions/_shared/database/database.ts";
import { insertRows } from "../../supabase/functions/_shared/database/query.ts";
import type { PostRecord } from "../bundle/records.ts";
import { plainArray, textArray } from "./array-literal.ts";
import type { Written } from "./import-part.ts";
import { updateChanged } from "./upsert.ts";

/** Inserts public posts, `uuids[i]` and `authors[i]` being those of `posts[i]`, and updates those whose text or author differs. */
export async function insertPosts(
  client: ClientBase,
  posts: PostRecord[],
  uuids: string[],
  authors: (string | null)[],
): Promise<Written> {
  const written = insertRows("public.posts", {
    id: ["uuid", plainArray(uuids)],
    external_id: ["text", textArray(posts.map((post) => post.id))],
    author_id: ["uuid", plainArray(authors)],
    title: ["text", textArray(posts.map((post) => post.title))],
    description: ["text", textArray(posts.map((post) => post.description))],
    tags: ["text[]", textArray(posts.map((post) => textArray(post.tags)))],
    created_at: ["timestamptz", plainArray(posts.map((post) => post.created_at))],
  });
  const rows = await run(client, updateChanged(written, "public.posts", ["author_id", "title", "description", "tags"]));
  const added = rows.filter(({ is_new }) => is_new).length;
  return { added, updated: rows.length - added };
}
