/** Pages that were shown, out of the exposure log. */
import type { PoolClient } from "pg";
import { milliseconds, rows } from "./cursor.ts";
import type { Numbers } from "./read-timeline.ts";

/** What one feed showed somebody; users and posts by number. */
export interface Page {
  user: number;
  at: number;
  posts: number[];
  /** The place of each, from 1. */
  positions: number[];
}

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
    select ${milliseconds("shown_at")} as at, user_id, array_agg(post_id::text order by position) as posts,
      array_agg(position order by position) as positions, array_agg(seen_at is not null order by position) as seen
    from recsys.impressions
    where ${window} and pg_catalog.hashtext(request_id::text) % ${oneIn} = 0
    group by shown_at, request_id, user_id
    order by shown_at, request_id`;
  const pages: Page[] = [];
  for await (const { at, user_id, posts, positions, seen } of rows(client, query)) {
    const user = numbers.users.get(user_id);
    if (user === undefined) continue;
    const page: Page = { user, at, posts: [], positions: [] };
    const told = seen.includes(true);
    for (const [i, id] of posts.entries()) {
      const post = numbers.posts.get(id);
      if (post === undefined || (told && !seen[i])) continue;
      page.posts.push(post);
      page.positions.push(positions[i]);
    }
    if (page.posts.length > 0) pages.push(page);
  }
  return pages;
}
