/** The events of recsys.timeline: all of them, or the latest with what they need of the time before. */
import type { PoolClient } from "pg";
import type { OnProgress } from "../../db/progress.ts";
import { kinds } from "./community.ts";
import { milliseconds, page, type Row, rows } from "./cursor.ts";
import { login, Timeline, type TimelineEvent } from "./timeline.ts";

/** Of the time before the latest events, a user's history goes back this far: what recsys.user_history and recent_interactions look at. */
const historyEvents = 200;

/** The number of each id. */
interface Numbers {
  users: Map<string, number>;
  posts: Map<string, number>;
}

/** The whole timeline, or one bounded to the `latest` events; see `communityFromDatabase`. */
export async function readTimeline(
  client: PoolClient,
  numbers: Numbers,
  latest: number,
  onProgress: OnProgress,
): Promise<Timeline> {
  const timeline = new Timeline();
  const { rows: counted } = await client.query("select count(*)::integer as total from recsys.user_stats");
  const total = Math.min(latest, counted[0].total);
  if (latest < counted[0].total) {
    const start = await startOf(client, latest);
    await readHistory(client, timeline, numbers, start);
    await readStates(client, timeline, numbers, lastEventsBefore(start));
    timeline.wholeFrom = timeline.length;
    await readStates(client, timeline, numbers, `recsys.timeline where (timeline.at, sort_id) >= ${start}`, progress);
  } else {
    await readStates(client, timeline, numbers, "recsys.timeline", progress);
  }
  function progress(done: number): void {
    onProgress({ step: "reading the timeline", done, total });
  }
  progress(total);
  return timeline;
}

/** Where the last `count` events begin, as a row of SQL: (at, sort_id). */
async function startOf(client: PoolClient, count: number): Promise<string> {
  const { rows: found } = await client.query(
    "select last_active_at::text, sort_id from recsys.user_stats order by user_stats.last_active_at desc, sort_id desc offset $1 limit 1",
    [count - 1],
  );
  return `('${found[0].last_active_at}'::timestamptz, ${found[0].sort_id})`;
}

/** The last interactions of each user before `start`, with what they found when they came. */
async function readHistory(client: PoolClient, timeline: Timeline, numbers: Numbers, start: string): Promise<void> {
  const query = `
    select ${milliseconds("at")} as at, user_id, post_id, kind, ${milliseconds("found_at")} as found_at, found_comments
    from (
      select *, row_number() over (partition by user_id order by at desc, sort_id desc) as place
      from (
        select timeline.at, sort_id, user_id, post_id, kind,
          lag(timeline.at) over post as found_at, lag(post_comments) over post as found_comments
        from recsys.timeline
        where post_id is not null and (timeline.at, sort_id) < ${start}
        window post as (partition by post_id order by timeline.at, sort_id)
      ) as interactions
    ) as placed
    where place <= ${historyEvents} order by placed.at, sort_id`;
  for await (const row of rows(client, query)) {
    const event = eventOf(row, numbers);
    if (event)
      timeline.pushHistory({ ...event, foundAt: row.found_at ?? Number.NaN, foundComments: row.found_comments ?? 0 });
  }
}

/** The last event of each post and of each user before `start`. */
function lastEventsBefore(start: string): string {
  return `(
    select event_id from (
      select distinct on (post_id) event_id from recsys.timeline
      where post_id is not null and (timeline.at, sort_id) < ${start}
      order by post_id, timeline.at desc, sort_id desc
    ) as of_posts
    union
    select event_id from (
      select distinct on (user_id) event_id from recsys.timeline
      where (timeline.at, sort_id) < ${start}
      order by user_id, timeline.at desc, sort_id desc
    ) as of_users
  ) as latest join recsys.timeline using (event_id)`;
}

/** Events of recsys.timeline with the state they left, in order of time. */
async function readStates(
  client: PoolClient,
  timeline: Timeline,
  numbers: Numbers,
  from: string,
  progress: (done: number) => void = () => {},
): Promise<void> {
  const five = (array: string) => [1, 2, 3, 4, 5].map((i) => `${array}[${i}] as ${array}_${i}`).join(", ");
  const query = `select ${milliseconds("at")} as at, user_id, post_id, kind, ${milliseconds("last_comment_at")} as last_comment_at,
    post_views, post_votes, post_comments, participants, by_author::integer, ${five("post_recent")},
    user_views, user_votes, user_comments, logins, habit_log_age, habit_log_idle, ${five("user_recent")}, ${five("recent_logins")}
    from ${from} order by timeline.at, sort_id`;
  const recent = (row: Row, name: string) => [1, 2, 3, 4, 5].map((i) => row[`${name}_${i}`]);
  for await (const row of rows(client, query)) {
    const event = eventOf(row, numbers);
    if (!event) continue;
    timeline.push({
      ...event,
      lastCommentAt: row.last_comment_at ?? Number.NaN,
      postStats:
        event.post < 0
          ? []
          : [
              row.post_views,
              row.post_votes,
              row.post_comments,
              row.participants,
              row.by_author,
              ...recent(row, "post_recent"),
            ],
      userStats: [
        row.user_views,
        row.user_votes,
        row.user_comments,
        row.logins,
        row.habit_log_age ?? Number.NaN,
        row.habit_log_idle ?? Number.NaN,
        ...recent(row, "user_recent"),
        ...recent(row, "recent_logins"),
      ],
    });
    if (timeline.length % page === 0) progress(timeline.length - timeline.wholeFrom);
  }
}

/** undefined: of somebody whose profile or post the source views no longer show. */
function eventOf(row: Row, { users, posts }: Numbers): TimelineEvent | undefined {
  const post = row.post_id === null ? -1 : posts.get(row.post_id);
  const user = users.get(row.user_id);
  if (post === undefined || user === undefined) return undefined;
  return { at: row.at, user, post, kind: row.kind === "login" ? login : kinds.indexOf(row.kind) };
}
