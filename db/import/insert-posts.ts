import type { ClientBase } from "pg";
import type { PostRecord } from "../bundle/records.ts";
import { plainArray, textArray } from "./array-literal.ts";
import type { Written } from "./import-part.ts";

/** Inserts public posts, `uuids[i]` and `authors[i]` being those of `posts[i]`, and updates those whose text or author differs. */
export async function insertPosts(
  client: ClientBase,
  posts: PostRecord[],
  uuids: string[],
  authors: (string | null)[],
): Promise<Written> {
  const { rows } = await client.query<Written>(
    `with written as (
      insert into public.posts as post (id, external_id, author_id, title, description, tags, created_at)
      select id, external_id, author_id, title, description, tags::text[], created_at
      from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
        as rows (id, external_id, author_id, title, description, tags, created_at)
      on conflict (id) do update
        set author_id = excluded.author_id, title = excluded.title, description = excluded.description, tags = excluded.tags
        where (post.author_id, post.title, post.description, post.tags)
          is distinct from (excluded.author_id, excluded.title, excluded.description, excluded.tags)
      -- an inserted row has never been locked or updated
      returning xmax = 0 as is_new
    )
    select (count(*) filter (where is_new))::integer as added, (count(*) filter (where not is_new))::integer as updated from written`,
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
  return rows[0];
}
