/** Pages that were shown, out of the exposure log. */
import type { PoolClient } from "pg";
import type { OptionalHead } from "../../supabase/functions/_shared/features/kinds.ts";
import { milliseconds, rows } from "./cursor.ts";
import type { Numbers } from "./read-timeline.ts";

/** What one feed showed somebody; users and posts by number. */
export interface Page {
  user: number;
  at: number;
  posts: number[];
  /** The place of each, from 1. */
  positions: number[];
  /** Of each; left out: nobody knows. */
  told?: Told[];
}

/** What a person made of a shown post within a day, for the heads that not every model has: 1 or 0; left out: nobody knows. */
export type Told = Partial<Record<OptionalHead, number>>;

/** How far back the exposure log is read. */
const days = 28;

/**
 * At most about `most` pages of the last 28 days of the log, those of request ids that a hash picks where there are more, in order of
 * time. Where the app said of some posts of a page that they came into view, the others were not shown.
 */
export async function readPages(client: PoolClient, numbers: Numbers, most: number): Promise<Page[]> {
  const window = `shown_at > (select max(shown_at) from recsys.impressions) - interval '${days} days'`;
  const { rows: counted } = await client.query(
    `select count(*) filter (where position = 1)::integer as pages from recsys.impressions where ${window}`,
  );
  const oneIn = Math.max(1, Math.ceil(counted[0].pages / most));
  const query = `
    with shown as materialized (
      select request_id, user_id, post_id, position, shown_at, seen_at
      from recsys.impressions
      where ${window} and pg_catalog.hashtext(request_id::text) % ${oneIn} = 0
    ),
    labels as materialized (
      select head, request_id, post_id
      from recsys.optional_labels((select min(shown_at) from shown), (select max(shown_at) + interval '1 second' from shown))
    )
    select ${milliseconds("shown_at")} as at, user_id, array_agg(shown.post_id::text order by position) as posts,
      array_agg(position order by position) as positions, array_agg(seen_at is not null order by position) as seen,
      array_agg(dismissed.post_id is not null order by position) as dismissed,
      array_agg(viewed.post_id is not null order by position) as viewed_long
    from shown
    left join labels as dismissed on dismissed.head = 'dismiss' and dismissed.request_id = shown.request_id and dismissed.post_id = shown.post_id
    left join labels as viewed on viewed.head = 'long_view' and viewed.request_id = shown.request_id and viewed.post_id = shown.post_id
    group by shown_at, shown.request_id, user_id
    order by shown_at, shown.request_id`;
  const { rows: settings } = await client.query(
    "select long_view_seconds is not null as has_long_views from recsys.settings",
  );
  const hasLongViews = settings[0]?.has_long_views === true;
  const pages: Page[] = [];
  for await (const { at, user_id, posts, positions, seen, dismissed, viewed_long } of rows(client, query)) {
    const user = numbers.users.get(user_id);
    if (user === undefined) continue;
    const page: Required<Page> = { user, at, posts: [], positions: [], told: [] };
    const tells = seen.includes(true);
    for (const [i, id] of posts.entries()) {
      const post = numbers.posts.get(id);
      if (post === undefined || (tells && !seen[i])) continue;
      page.posts.push(post);
      page.positions.push(positions[i]);
      page.told.push({
        dismiss: Number(dismissed[i]),
        ...(hasLongViews && { long_view: Number(viewed_long[i]) }),
      });
    }
    if (page.posts.length > 0) pages.push(page);
  }
  return pages;
}
