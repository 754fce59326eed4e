/** The events of recsys.timeline: all of them, or the latest ones with what they need from the time before them. */
import type { PoolClient } from "pg";
import type { OnProgress } from "../../db/progress.ts";
import { halfLives } from "../../supabase/functions/_shared/features/decay.ts";
import { kinds } from "../../supabase/functions/_shared/features/kinds.ts";
import { retrieval } from "../../supabase/functions/_shared/features/retrieval.ts";
import { milliseconds, page, type Row, rows } from "./cursor.ts";
import { login, type PostStats, Timeline, type TimelineEvent, type UserStats } from "./timeline.ts";

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

/** The last interactions of each user before `start`, as far back as histories go, with what they found when they came. */
async function readHistory(client: PoolClient, timeline: Timeline, numbers: Numbers, start: string): Promise<void> {
  const query = `
    select ${milliseconds("at")} as at, user_id, post_id, kind, first_interaction, ${milliseconds("found_at")} as found_at, found_comments
    from (
      select *, row_number() over (partition by user_id order by at desc, sort_id desc) as number
      from (
        select timeline.at, sort_id, user_id, post_id, kind, first_interaction,
          -- both only ever grow, so the greatest is the last; null where a post's author viewed it, which changed nothing
          max(timeline.at) filter (where post_comments is not null) over before as found_at, max(post_comments) over before as found_comments
        from recsys.timeline
        where post_id is not null and (timeline.at, sort_id) < ${start}
        window before as (partition by post_id order by timeline.at, sort_id rows between unbounded preceding and 1 preceding)
      ) as interactions
    ) as numbered
    where number <= ${retrieval.historyInteractions} order by numbered.at, sort_id`;
  for await (const row of rows(client, query)) {
    const event = eventOf(row, numbers);
    if (event) timeline.pushHistory(event, { at: row.found_at, comments: row.found_comments ?? 0 });
  }
}

/** The last event that changed each post, and the last of each user, before `start`. */
function lastEventsBefore(start: string): string {
  return `(
    select event_id from (
      select distinct on (post_id) event_id from recsys.timeline
      where post_comments is not null and (timeline.at, sort_id) < ${start}
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
  const query = `select ${milliseconds("at")} as at, user_id, post_id, kind, first_interaction,
    ${milliseconds("last_comment_at")} as last_comment_at, post_views, post_votes, post_comments, participants, by_author,
    user_views, user_votes, user_comments, logins, habit_log_age, habit_log_idle,
    ${["post_recent", "user_recent", "recent_logins"].map(elements).join(", ")}
    from ${from} order by timeline.at, sort_id`;
  for await (const row of rows(client, query)) {
    const event = eventOf(row, numbers);
    if (!event) continue;
    timeline.push(event, row.post_comments === null ? null : postStatsOf(row), userStatsOf(row));
    if (timeline.length % page === 0) progress(timeline.length - timeline.wholeFrom);
  }
}

function postStatsOf(row: Row): PostStats {
  const { participants, by_author, last_comment_at } = row;
  return {
    views: row.post_views,
    votes: row.post_votes,
    comments: row.post_comments,
    ...{ participants, by_author, last_comment_at },
    recent: numbersOf(row, "post_recent"),
  };
}

function userStatsOf(row: Row): UserStats {
  const { logins, habit_log_age, habit_log_idle } = row;
  return {
    views: row.user_views,
    votes: row.user_votes,
    comments: row.user_comments,
    ...{ logins, habit_log_age, habit_log_idle },
    recent: numbersOf(row, "user_recent"),
    recent_logins: numbersOf(row, "recent_logins"),
  };
}

/** The elements of an array of decayed counts, each as a column: the driver parses numbers faster than arrays. */
function elements(array: string): string {
  return halfLives.map((_, h) => `${array}[${h + 1}] as ${array}_${h}`).join(", ");
}

function numbersOf(row: Row, array: string): number[] {
  return halfLives.map((_, h) => row[`${array}_${h}`]);
}

/** undefined where the source views no longer show the user or the post. */
function eventOf(row: Row, { users, posts }: Numbers): TimelineEvent | undefined {
  const post = row.post_id === null ? -1 : posts.get(row.post_id);
  const user = users.get(row.user_id);
  if (post === undefined || user === undefined) return undefined;
  const kind = row.kind === "login" ? login : kinds.indexOf(row.kind);
  return { at: row.at, user, post, kind, isFirst: row.first_interaction === true };
}
