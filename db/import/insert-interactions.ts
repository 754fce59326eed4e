import type { ClientBase } from "pg";
import type { InteractionRecord } from "../bundle/records.ts";
import { plainArray } from "./array-literal.ts";
import type { Written } from "./import-part.ts";

/**
 * Inserts interactions, each kind into its table; resolves to how many were new.
 * The ids ascend in the order given, so that interactions of the same instant keep it.
 */
export async function insertInteractions(
  client: ClientBase,
  interactions: InteractionRecord[],
  users: string[],
  posts: string[],
): Promise<Written> {
  const added = await client.query<{ added: number }>(
    `with numbered as materialized (
      select nextval('public.interaction_id_seq') as id, in_order.*
      from (
        select *
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::real[], $5::timestamptz[])
          with ordinality as rows (user_id, post_id, kind, value, created_at, number)
        order by number
      ) as in_order
    ),
    views as (
      insert into public.post_views (id, user_id, post_id, value, created_at)
      select id, user_id, post_id, value, created_at from numbered where kind = 'view'
      on conflict do nothing
      returning 1
    ),
    votes as (
      insert into public.post_votes (id, user_id, post_id, value, created_at)
      select id, user_id, post_id, value, created_at from numbered where kind = 'vote'
      on conflict do nothing
      returning 1
    ),
    comments as (
      insert into public.comments (id, user_id, post_id, value, created_at)
      select id, user_id, post_id, value, created_at from numbered where kind = 'comment'
      on conflict do nothing
      returning 1
    )
    select ((select count(*) from views) + (select count(*) from votes) + (select count(*) from comments))::integer as added`,
    [
      plainArray(users),
      plainArray(posts),
      plainArray(interactions.map(({ kind }) => kind)),
      plainArray(interactions.map(({ value }) => (value == null ? null : Math.fround(value)))),
      plainArray(interactions.map(({ created_at }) => created_at)),
    ],
  );
  return { added: added.rows[0].added, updated: 0 };
}
