/** The events of recsys.timeline: all of them, or the latest ones with what they need from the time before them. */
import type { PoolClient } from "pg";
import type { OnProgress } from "../../db/progress.ts";
import { halfLives } from "../../supabase/functions/_shared/features/decay.ts";
import { kinds } from "../../supabase/functions/_shared/features/kinds.ts";
import { retrieval } from "../../supabase/functions/_shared/features/retrieval.ts";
import { milliseconds, page, type Row, rows } from "./cursor.ts";
import { login, type PostStats, Timeline, type TimelineEvent, type UserStats } from "./timeline.ts";

/** The number of each id. */
export interface Numbers {
  users: Map<string, number>;
  posts: Map<string, number>;
}

/** The whole timeline, or one bounded to the `latest` events or where states were thinned; see `communityFromDatabase`. */
export async function readTimeline(
  client: PoolClient,
  numbers: Numbers,
  latest: number,
  onProgress: OnProgress,
): Promise<Timeline> {
  const timeline = new Timeline();
  const start = await startOf(client, latest);
  if (start !== undefined) {
    await readHistory(client, timeline, numbers, start);
    await readStates(client, timeline, numbers, lastStatesBefore(start));
    timeline.wholeFrom = timeline.length;
  }
  const whole = start === undefined ? "" : `where (timeline.at, sort_id) >= ${start}`;
  const { rows: counted } = await client.query(
    `select count(*)::integer as total from recsys.user_stats ${whole.replace("timeline.at", "last_active_at")}`,
  );
  const { total } = counted[0];
  function progress(done: number): void {
    onProgress({ step: "reading the timeline", done, total });
  }
  await readStates(client, timeline, numbers, `recsys.timeline ${whole}`, progress);
  progress(total);
  return timeline;
}

/**
 * Where the last `count` events begin or, if that is later, the states that were not thinned: a row of SQL, (at, sort_id).
 * undefined: at the beginning.
 */
async function startOf(client: PoolClient, count: number): Promise<string | undefined> {
  const { rows: found } = await client.query<{ at: string; sort_id: string }>(
    `select greatest(at, thinned_before)::text as at, case when at >= thinned_before then sort_id else -9223372036854775808 end::text as sort_id
     from recsys.thinning
     left join (
       select last_active_at as at, sort_id from recsys.user_stats
       where (select count(*) from recsys.user_stats) > $1::bigint
       order by user_stats.last_active_at desc, user_stats.sort_id desc offset $1::bigint - 1 limit 1
     ) as earliest on true
     where at is not null or thinned_before > '-infinity'`,
    [Math.min(count, Number.MAX_SAFE_INTEGER)],
  );
  return found[0] && `('${found[0].at}'::timestamptz, '${found[0].sort_id}'::bigint)`;
}

/**
 * The last interactions of each user before `start`, as far back as histories go, with what they found when they came. Worked out
 * from the interactions: their states may have been thinned.
 */
async function readHistory(client: PoolClient, timeline: Timeline, numbers: Numbers, start: string): Promise<void> {
  const query = `
    select ${milliseconds("at")} as at, user_id, post_id, kind, first_interaction, ${milliseconds("found_at")} as found_at, found_comments
    from (
      select *, row_number() over (partition by user_id order by at desc, sort_id desc) as number
      from (
        select at, sort_id, user_id, post_id, kind,
          counts and row_number() over (partition by post_id, user_id, counts order by at, sort_id) = 1 as first_interaction,
          max(at) filter (where counts) over before as found_at,
          (count(*) filter (where kind = 'comment') over before)::integer as found_comments
        from (
          select created_at as at, interaction_id as sort_id, events.user_id, post_id, kind,
            -- a view of an own post changes nothing
            not (kind = 'view' and events.user_id is not distinct from posts.author_id) as counts
          from recsys.source_interactions as events
          join (select post_id, author_id from recsys.source_posts) as posts using (post_id)
          where (created_at, interaction_id) < ${start}
        ) as events
        window before as (partition by post_id order by at, sort_id rows between unbounded preceding and 1 preceding)
      ) as interactions
    ) as numbered
    where number <= ${retrieval.historyInteractions} order by numbered.at, sort_id`;
  for await (const row of rows(client, query)) {
    const event = eventOf(row, numbers);
    if (event) timeline.pushHistory(event, { at: row.found_at, comments: row.found_comments });
  }
}

/**
 * The last state of each post, and the last of each user, before `start`, as rows of recsys.timeline. A row has the state of its post, or of
 * its user, or both. Where it lacks that of its user, a later row has it: the user's last event comes after all others of that user.
 */
function lastStatesBefore(start: string): string {
  return `(
    select coalesce(post_at, user_at) as at, coalesce(interaction_id, user_sort_id) as sort_id, coalesce(of_posts.user_id, of_users.user_id) as user_id,
      post_id, coalesce(kind, 'login') as kind, first_interaction,
      last_comment_at, post_views, post_votes, post_comments, participants, by_author, post_recent,
      user_views, user_votes, user_comments, logins, habit_log_age, habit_log_idle, user_recent, recent_logins, 1 as weight
    from (
      select distinct on (post_id) last_active_at as post_at, interaction_id, user_id, post_id, kind, first_interaction,
        last_comment_at, views as post_views, votes as post_votes, comments as post_comments, participants, by_author, recent as post_recent
      from recsys.post_stats
      where (last_active_at, interaction_id) < ${start}
      order by post_id, last_active_at desc, interaction_id desc
    ) as of_posts
    full join (
      select distinct on (user_id) last_active_at as user_at, sort_id as user_sort_id, event_id, user_id,
        views as user_views, votes as user_votes, comments as user_comments, logins, habit_log_age, habit_log_idle,
        recent as user_recent, recent_logins
      from recsys.user_stats
      where (last_active_at, sort_id) < ${start}
      order by user_id, last_active_at desc, sort_id desc, event_id desc
    ) as of_users on of_users.event_id = of_posts.interaction_id::text
  ) as timeline`;
}

/** Events of recsys.timeline with the state they left, in order of time. */
async function readStates(
  client: PoolClient,
  timeline: Timeline,
  numbers: Numbers,
  from: string,
  progress: (done: number) => void = () => {},
): Promise<void> {
  const query = `select ${milliseconds("at")} as at, user_id, post_id, kind, first_interaction, weight,
    ${milliseconds("last_comment_at")} as last_comment_at, post_views, post_votes, post_comments, participants, by_author,
    user_views, user_votes, user_comments, logins, habit_log_age, habit_log_idle,
    ${["post_recent", "user_recent", "recent_logins"].map(elements).join(", ")}
    from ${from} order by timeline.at, sort_id`;
  for await (const row of rows(client, query)) {
    const event = eventOf(row, numbers);
    if (!event) continue;
    const post = row.post_comments === null ? null : postStatsOf(row);
    timeline.push(event, post, row.user_comments === null ? null : userStatsOf(row));
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
  return { at: row.at, user, post, kind, isFirst: row.first_interaction === true, weight: row.weight };
}
