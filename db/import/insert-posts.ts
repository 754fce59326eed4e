import type { ClientBase } from "pg";
import type { PostRecord } from "../bundle/records.ts";
import { plainArray, textArray } from "./array-literal.ts";

/** Inserts public posts, `uuids[i]` and `authors[i]` being those of `posts[i]`; resolves to the number that were new. */
export async function insertPosts(
  client: ClientBase,
  posts: PostRecord[],
  uuids: string[],
  authors: (string | null)[],
): Promise<number> {
  const added = await client.query(
    `insert into public.posts (id, external_id, author_id, title, description, tags, created_at)
    select id, external_id, author_id, title, description, tags::text[], created_at
    from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
      as rows (id, external_id, author_id, title, description, tags, created_at)
    on conflict do nothing`,
    [
      plainArray(uuids),
      textArray(posts.map((post) => post.id)),
      plainArray(authors),
      textArray(posts.map((post) => post.title)),
      textArray(posts.map((post) => post.description)),
      textArray(posts.map((post) => textArray(post.tags))),
      plainArray(posts.map((post) => post.created_at)),
    ],
  );
  return added.rowCount ?? 0;
}
